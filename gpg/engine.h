/* engine: GPGME, tuned so that nothing is written and no gpgconf is asked.
 *
 * A home is a folder with our gpg.conf (engine_write_conf) and a public keyring, never a secret
 * one. */
#ifndef GPG_ENGINE_H
#define GPG_ENGINE_H

#include <glib.h>
#include <gpgme.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "gpg/engine_text.h"

/* Asks for gpg's version, for this process and those it forks. home: where gpg may look for its settings
 * meanwhile. False with *error_r. */
bool engine_prepare(const char *home, char **error_r);

/* A context that works in this home until the next one is opened, for one operation of engine_run; NULL
 * with *error_r (one line, g_free). gpgme_release it. */
gpgme_ctx_t engine_open(const char *home, char **error_r);
bool engine_write_conf(const char *home, char **error_r);

/* To the keys in these files (real paths, a transferable public key or a ring each), as an armored message
 * appended to out. Which home does not matter to them, but it must exist. gpg itself refuses what has
 * expired or was revoked. False with *error_r on anything but a whole message for all of them; what out
 * then holds is to be thrown away. */
bool engine_encrypt(const char *home, const struct engine_text *text, GPtrArray *key_files,
                    struct bytes *out, char **error_r);

#endif
