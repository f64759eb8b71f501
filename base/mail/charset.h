/* charset: bytes of any declared charset to valid UTF-8. */
#ifndef BASE_MAIL_CHARSET_H
#define BASE_MAIL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Appends data as valid UTF-8. Only charsets of a short list are believed, so that no sender
 * chooses which of the C library's many converters runs. What charset (may be NULL) does not
 * explain becomes U+FFFD; what is not on the list, or cannot be true, is read as UTF-8 if it is
 * that, else as windows-1252, which is how readers take ISO-8859-1 too.
 * False if a charset was named and not believed. */
bool charset_to_utf8(struct bytes *out, const void *data, size_t len, const char *charset);

#endif
