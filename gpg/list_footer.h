/* list_footer: tells the footer of a mailing list from a text that a sender puts below a ciphertext. */
#ifndef GPG_LIST_FOOTER_H
#define GPG_LIST_FOOTER_H

#include <stdbool.h>

#include "base/mail/message.h"
#include "gpg/mime_text.h"

#define LIST_FOOTER_BYTES 2048

struct list { /* lent from the message */
    struct mime_text id; /* <name.domain> of its one List-Id (RFC 2919), without the brackets; empty: there is no list */
    bool real;           /* it has what list programs write beside that: an address or page (RFC 2369), or Precedence */
};

struct list list_of(const struct message *m);
/* True if the text may be its footer: of a real list, names its domain, and is short enough. */
bool list_footer_is(const struct list *l, struct mime_text text);

#endif
