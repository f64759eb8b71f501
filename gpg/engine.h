/* engine: sets up GPGME and gpg so that they write no files and do not run gpgconf.
 *
 * A home is a folder with our gpg.conf (engine_write_conf) and a public keyring, never a secret one. */
#ifndef GPG_ENGINE_H
#define GPG_ENGINE_H

#include <glib.h>
#include <gpgme.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "gpg/engine_text.h"

/* Asks gpg for its version, once for this process and all it forks later. home: where gpg looks for its
 * settings during that call. False with *error_r. */
bool engine_prepare(const char *home, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

/* A context for one operation of engine_run, in this home; valid until the next engine_open. NULL with *error_r
 * (one line, g_free). Free it with gpgme_release. */
gpgme_ctx_t engine_open(const char *home, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
bool engine_write_conf(const char *home, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

/* Encrypts to the keys in these files (real paths; each holds one transferable public key or is a ring) and
 * appends an armored message to out. home must exist: of the rings only those in it are used, of the others
 * their key files; its keyring is not read. gpg itself refuses expired and revoked keys. False with *error_r
 * unless out got a complete message for all keys; then discard what was appended. */
bool engine_encrypt(const char *home, const struct engine_text *text, GPtrArray *key_files,
                    struct bytes *out, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
