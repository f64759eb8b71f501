/* recipient_state: all that is known about one recipient of a message, looked up once. */
#ifndef FILTERD_PIPELINE_RECIPIENT_STATE_H
#define FILTERD_PIPELINE_RECIPIENT_STATE_H

#include <glib.h>
#include <stdbool.h>

#include "base/mail/envelope.h"
#include "filterd/keeper/delivered.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/context.h"
#include "gpg/encrypted.h"

struct verdict;

/* One address of a recipient: a milter's recipient has several. */
struct recipient_address {
    GPtrArray *users; /* of char*: behind this address */
    guint named;      /* how many of them have a key */
    char *keys;       /* for the log: the key of each of them, with commas; NULL: none has one */
    bool other;       /* a user has keys, and none opens the message (recipient_state_encrypted) */
};

struct recipient_state {
    struct recipient *recipient;          /* lent; its users are filled in */
    struct policy_disposition disposition;
    GPtrArray *addresses;                 /* of struct recipient_address*: recipient->address, then others */
    GPtrArray *judges;                    /* of char*: the users whose models judge the message and whose
                                           * records it is added to; the bare address if it has no user */
    GArray *settings;                     /* of struct user_settings, one for each user, read once; empty if the
                                           * address has no user */
    struct verdict *verdict;              /* NULL: not judged yet */
    unsigned char digest[DELIVERED_DIGEST_BYTES];
    bool delivered_before;                /* delivered in an earlier attempt */
};

/* Looks up users and keys: at RCPT, and again when the message is complete, as a key may have expired
 * meanwhile. With r->others (a milter) for all of these addresses together: r->users then has the users of all. */
void recipient_state_fill(struct recipient_state *st, struct context *ctx, const struct envelope *e,
                          struct recipient *r);
/* Compares the keys of an encrypted message (NULL: it is not) with those of the users. */
enum policy_encrypted recipient_state_encrypted(struct recipient_state *st, struct context *ctx,
                                                const struct encrypted *e);
void recipient_state_clear(struct recipient_state *st);

#endif
