/* radix: tells the base64 of a ciphertext from words written with the letters of base64.
 *
 * "The/secret/plan" is base64, too, of bytes that look like noise. As in noise.h, real ciphertext is taken for words
 * less often than once in 10^9 messages. */
#ifndef GPG_RADIX_H
#define GPG_RADIX_H

#include <stdbool.h>

#include "gpg/mime_text.h"

/* Looks at the lines of text up to one that is no base64, such as a checksum's. head: so many bytes at the beginning
 * are alike in each message, as session keys are; they may be uneven as a whole. */
bool radix_has_words(struct mime_text text, size_t head);
/* The same below the header lines of the armored block that text begins with. */
bool radix_armor_has_words(struct mime_text text, size_t head);

#endif
