/* decode: base64, quoted-printable and uuencode as lenient mail clients decode them, not as RFC 2045 demands.
 *
 * A filter that stops where a mail client goes on misses text. Each function takes linear time, appends to out,
 * and stops when it has appended limit bytes. */
#ifndef BASE_MAIL_DECODE_H
#define BASE_MAIL_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum decode_encoding {
    DECODE_IDENTITY, /* 7bit, 8bit, binary, or no encoding given */
    DECODE_BASE64,
    DECODE_QP,
    DECODE_UU,      /* x-uuencode and its variants */
    DECODE_UNKNOWN, /* an unknown word */
};

/* The meaning of a Content-Transfer-Encoding value (RFC 2045, section 6.1) to a lenient client, which ignores
 * comments, parameters and quotes around it. *odd_r: it was not written as the RFC demands. value NULL is
 * identity. */
enum decode_encoding decode_encoding_of(const char *value, bool *odd_r);

/* Decodes base64; skips other bytes, and a '=' ends its group of four only. False if it had to do either. */
bool decode_base64(struct bytes *out, const char *text, size_t len, size_t limit);
/* Decodes quoted-printable (RFC 2045, section 6.7); a '=' that begins no escape is copied. */
void decode_qp(struct bytes *out, const char *text, size_t len, size_t limit);
/* True if all of the first lines are base64, and too long to be words. */
bool decode_is_base64(const char *text, size_t len);
/* Decodes text of unknown encoding: runs of base64 lines and quoted-printable where that yields text; copies
 * the rest. */
void decode_loosely(struct bytes *out, const char *text, size_t len, size_t limit);
/* False if more than a few bytes are control characters: no text in any charset but UTF-16 and UTF-32. */
bool decode_is_text(const void *data, size_t len);

#endif
