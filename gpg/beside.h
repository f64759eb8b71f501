/* beside: how much readable text may stand beside a ciphertext that passes as encrypted already, or in its place.
 *
 * Mail programs and lists add such text: a preamble, a name, a footer. What a sender wrote does not pass. */
#ifndef GPG_BESIDE_H
#define GPG_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/header.h"

#define BESIDE_PREAMBLE_BYTES 200
#define BESIDE_FOOTER_BYTES 2048 /* of a mailing list */

/* A run of this many readable bytes does not occur in a ciphertext by chance: one in 10^16 begins so. */
#define BESIDE_TEXT_BYTES 64
/* True if the data holds a run of readable bytes (ASCII or UTF-8) that is this long. */
bool beside_has_text(const unsigned char *data, size_t len, size_t run);

/* True for the header fields of a part that holds ciphertext, if they hold no text of the sender's: Content-*,
 * MIME-Version, a few short X-*, and nothing before the first of them. raw: where the part begins. */
bool beside_fields_fit(const char *raw, const struct header *fields, size_t count);
/* The same for the header lines of the armored block that text begins with. */
bool beside_armor_fits(const char *text, size_t len);

#endif
