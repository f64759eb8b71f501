/* recipient: what is to be done for one recipient, by users, keys and policies. */
#ifndef FILTERD_PIPELINE_RECIPIENT_H
#define FILTERD_PIPELINE_RECIPIENT_H

#include <glib.h>

#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/pipeline/service.h"

enum handling {
    HANDLE_REFUSE = 0, /* reason says how */
    HANDLE_SEAL,       /* to all its users */
    HANDLE_PASS,       /* ours, in the clear */
    HANDLE_FOREIGN     /* not ours: neither judged nor sealed */
};

struct treatment {
    enum handling handling;
    enum outcome_reason reason;
    char *fingerprint; /* of the first key, for the log; NULL without */
};

/* Asked at RCPT, and again when the message is there: a key may have gone meanwhile.
 * Fills r->users. With r->others it is for all of them together: r->users has everybody's, and what
 * differs between them is refused. */
struct treatment recipient_treat(struct service *sv, const struct envelope *e,
                                 struct recipient *r);
void treatment_clear(struct treatment *t);
/* The names to judge and record by: its users, or the bare address where nobody is known.
 * New array, of char*. */
GPtrArray *recipient_judges(const struct service *sv, const struct recipient *r);

#endif
