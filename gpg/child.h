/* child: one gpg that encrypts one message.
 *
 * GPGME would fork this process twice to start it, which costs a worker with all its libraries as
 * much as gpg itself; posix_spawn copies nothing. Which keys are good is GPGME's word all the same. */
#ifndef GPG_CHILD_H
#define GPG_CHILD_H

#include <glib.h>
#include <stdbool.h>

#include "gpg/armor.h"
#include "gpg/engine_text.h"

/* Encrypts to the keys in these files, or in rings (gpg/ring.h): what gpg will not do with those it is
 * asked once more to do with their files. What gpg writes goes to armor as it comes. True only if gpg took
 * all of the text, said that it had encrypted, and ended well, before the text's deadline. Else *error_r
 * (one line, g_free). */
bool child_encrypt(const char *home, const struct engine_text *text, GPtrArray *key_files,
                   struct armor *armor, char **error_r);

#endif
