/* pgpmime: writes the MIME structure of an encrypted message (RFC 3156 section 4) around the armored block. */
#ifndef GPG_PGPMIME_H
#define GPG_PGPMIME_H

#include "base/bytes.h"
#include "base/mail/message.h"
#include "gpg/outside.h"

/* Appends the head of the text to encrypt: the message's Content-* fields, unchanged, and an empty line. The
 * message's body follows it. */
void pgpmime_payload_head(const struct message *m, struct bytes *head);

struct pgpmime {
    char boundary[48];
};

/* Appends everything before the armored block: the outer header fields and the control part. */
void pgpmime_open(struct pgpmime *p, const struct message *m, const struct outside *o,
                  struct bytes *out);
void pgpmime_close(const struct pgpmime *p, struct bytes *out);

#endif
