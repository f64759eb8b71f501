/* rfc2047: encoded words in headers, as lenient readers show them. */
#ifndef BASE_MAIL_RFC2047_H
#define BASE_MAIL_RFC2047_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

struct limits_met;

enum {
    RFC2047_RAW = 1,     /* bytes over 127 that are not encoded */
    RFC2047_BROKEN = 2,  /* blanks inside, no "?=", an encoding that is neither B nor Q */
    RFC2047_CHARSET = 4, /* a charset that is not believed (see base/mail/charset.h) */
};

/* True if text holds nothing but plain ASCII without encoded words: decoding would change nothing. */
bool rfc2047_is_plain(const char *text, size_t len);
/* Appends text as valid UTF-8, encoded words decoded; neighbours of one charset are joined before
 * it is applied, as senders cut characters in two. Line ends are left out, NUL becomes a blank.
 * Returns the RFC2047_ bits of what was not as it should be. Linear. */
int rfc2047_decode(struct bytes *out, const char *text, size_t len, struct limits_met *met);

#endif
