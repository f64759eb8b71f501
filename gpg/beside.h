/* beside: how much readable text may stand beside a ciphertext that passes as encrypted already.
 *
 * Mail programs, servers and lists add such text: a preamble, a file's name, an identifier. It has one budget for the
 * whole message; what is protocol, or stands in the tables of program_words, costs nothing. What only a sender
 * would write does not pass, be it short. */
#ifndef GPG_BESIDE_H
#define GPG_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/header.h"
#include "gpg/mime_text.h"

#define BESIDE_BYTES 300
#define BESIDE_PREAMBLE_BYTES 200 /* of the budget */

struct beside { /* start with zeros */
    size_t bytes;
};

/* False if so many bytes of text are too many. */
bool beside_takes(struct beside *b, size_t bytes);
bool beside_takes_preamble(struct beside *b, struct mime_text t);
/* False if the header fields of a part that holds ciphertext hold text of the sender's, or other fields than Content-*,
 * MIME-Version and a few X-*. */
bool beside_takes_fields(struct beside *b, const struct header *fields, size_t count);
/* The same for those of a message's fields that describe its body. */
bool beside_takes_outer(struct beside *b, const struct header *fields, size_t count);
/* The same for the header lines of the armored block that text begins with. */
bool beside_takes_armor(struct beside *b, struct mime_text text);

#endif
