/* child: runs one gpg that encrypts one message.
 *
 * GPGME would fork this process twice to start gpg; with all the libraries a worker has mapped, that costs as
 * much as gpg itself. vfork copies nothing. Whether a key may be used is still decided by what GPGME says
 * about it. */
#ifndef GPG_CHILD_H
#define GPG_CHILD_H

#include <glib.h>
#include <stdbool.h>

#include "gpg/armor.h"
#include "gpg/engine_text.h"

/* Encrypts to the keys in these files, which are key files or their rings (gpg/ring.h). If gpg refuses a ring,
 * it is run once more with the key files. gpg's output goes to armor as it arrives. True only if gpg took all
 * of the text, reported that it had encrypted, and exited with 0, all before the text's deadline. Otherwise
 * *error_r is set (one line, g_free). */
bool child_encrypt(const char *home, const struct engine_text *text, GPtrArray *key_files,
                   struct armor *armor, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
#endif
