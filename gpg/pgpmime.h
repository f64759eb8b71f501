/* pgpmime: the layout of an encrypted message (RFC 3156 section 4), around an armored block. */
#ifndef GPG_PGPMIME_H
#define GPG_PGPMIME_H

#include "base/bytes.h"
#include "base/mail/message.h"
#include "gpg/outside.h"

/* What is encrypted is head and then the message's body: the Content-* headers as they came, and
 * an empty line. */
void pgpmime_payload_head(const struct message *m, struct bytes *head);

struct pgpmime {
    char boundary[48];
};

/* Appends all that stands before the armored block: the fields that stand outside, and the control part. */
void pgpmime_open(struct pgpmime *p, const struct message *m, const struct outside *o,
                  struct bytes *out);
void pgpmime_close(const struct pgpmime *p, struct bytes *out);

#endif
