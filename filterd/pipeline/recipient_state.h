/* recipient_state: all that is known about one recipient of a message, looked up once. */
#ifndef FILTERD_PIPELINE_RECIPIENT_STATE_H
#define FILTERD_PIPELINE_RECIPIENT_STATE_H

#include <glib.h>
#include <stdbool.h>

#include "base/mail/envelope.h"
#include "filterd/keeper/retries.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/service.h"

struct verdict;

struct recipient_state {
    struct recipient *recipient;          /* lent; its users are filled in */
    struct policy_disposition disposition;
    char *fingerprint;                    /* of the first key, for the log; NULL without */
    GPtrArray *judges;                    /* of char*: whose models judge it and whose records it gets: its users, or the
                                           * bare address where nobody is known */
    GArray *settings;                     /* of struct user_settings: each of its users', read once; empty where
                                           * nobody is known */
    struct verdict *verdict;              /* NULL: not judged yet */
    unsigned char digest[RETRIES_DIGEST_BYTES];
    bool delivered_before;                /* in an earlier attempt */
};

/* Looks up users and keys. At RCPT, and again when the message is there, as a key may have gone meanwhile.
 * With r->others (a milter) it is for all of these addresses together: r->users then has everybody's. */
void recipient_state_fill(struct recipient_state *st, struct service *sv, const struct envelope *e,
                          struct recipient *r);
void recipient_state_clear(struct recipient_state *st);

#endif
