/* rfc2047: encoded words in headers (RFC 2047), as lenient mail clients show them. */
#ifndef BASE_MAIL_RFC2047_H
#define BASE_MAIL_RFC2047_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

struct limits_met;

enum {
    RFC2047_RAW = 1,     /* unencoded bytes over 127 */
    RFC2047_BROKEN = 2,  /* blanks inside, no closing "?=", or an encoding other than B and Q */
    RFC2047_CHARSET = 4, /* a charset that charset_to_utf8 does not accept */
};

/* True if text is ASCII without encoded words: decoding would change nothing. */
bool rfc2047_is_plain(const char *text, size_t len);
/* Appends text as valid UTF-8, with encoded words decoded. Adjacent words of one charset are joined before
 * conversion, as senders split multibyte characters. Line ends are dropped, NUL becomes a blank. Returns
 * RFC2047_ bits for what was malformed. Linear. */
int rfc2047_decode(struct bytes *out, const char *text, size_t len, struct limits_met *met);

#endif
