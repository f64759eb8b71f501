/* decode: base64 and quoted-printable as lenient mail readers take them, not as RFC 2045 wants.
 *
 * A filter that stops where a reader goes on is blind. All are linear in what they read, append to
 * out and stop when it has grown by limit bytes. */
#ifndef BASE_MAIL_DECODE_H
#define BASE_MAIL_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum decode_encoding {
    DECODE_IDENTITY, /* 7bit, 8bit, binary, or nothing said */
    DECODE_BASE64,
    DECODE_QP,
    DECODE_UU,      /* x-uuencode and its like */
    DECODE_UNKNOWN, /* a word nobody knows */
};

/* What a Content-Transfer-Encoding's value means to a lenient reader: comments, parameters and
 * quotes around it are passed over. odd_r: it was not written as it should be. NULL is identity. */
enum decode_encoding decode_encoding_of(const char *value, bool *odd_r);

/* Other bytes are passed over and '=' ends nothing but its group. False if that was needed. */
bool decode_base64(struct bytes *out, const char *text, size_t len, size_t limit);
/* What is no escape stays as it is. */
void decode_qp(struct bytes *out, const char *text, size_t len, size_t limit);
/* True if all of the first lines are base64 and long enough not to be words. */
bool decode_is_base64(const char *text, size_t len);
/* Reads text of which nothing is known: runs of base64 lines and quoted-printable are decoded
 * where they make text, the rest is copied. */
void decode_loosely(struct bytes *out, const char *text, size_t len, size_t limit);
/* False if more than a few of the bytes are control characters: no text in any charset but UTF-16. */
bool decode_is_text(const void *data, size_t len);

#endif
