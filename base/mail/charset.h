/* charset: converts text of any declared charset to valid UTF-8. */
#ifndef BASE_MAIL_CHARSET_H
#define BASE_MAIL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Appends data to out as valid UTF-8. Accepts only the charsets of a short list, so that a sender cannot choose
 * which of the C library's many converters runs. Bytes invalid in charset (which may be NULL) become U+FFFD. If
 * the charset is not in the list, or cannot be true, data is read as UTF-8 if valid, else as windows-1252,
 * which mail clients use for ISO-8859-1 as well. False if a charset was named and not used. */
bool charset_to_utf8(struct bytes *out, const void *data, size_t len, const char *charset);

#endif
