/* transaction: one message on its way to all its recipients, as the stages of the pipeline see it. */
#ifndef FILTERD_PIPELINE_TRANSACTION_H
#define FILTERD_PIPELINE_TRANSACTION_H

#include <stdbool.h>

#include "base/mail/message.h"
#include "base/result.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/pipeline/handoff.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/report.h"
#include "filterd/pipeline/delivered_digest.h"
#include "filterd/pipeline/context.h"
#include "filterd/pipeline/verdict.h"
#include "gpg/outside.h"
#include "gpg/seal.h"

struct transaction {
    struct context *context;
    struct next_hop *hop;
    const struct received *received;
    struct message *message;
    struct delivered_digest_content content;
    struct tokens *tokens;          /* NULL: nobody has to judge it */
    struct handoff *handoff;        /* what another leg of ours says it judged; NULL: nothing that could hold */
    bool encrypted;                 /* came encrypted: passed on as it is */
    struct recipient_state *states; /* one for each recipient of the envelope */
};

/* The verdict for this recipient, judged when it is first asked for; the state's, lent. */
struct verdict *transaction_verdict(struct transaction *tx, struct recipient_state *st);

/* transaction_greylist: if the message is doubtful and its client still waits, the client is asked to come again:
 * all recipients together, before any has a copy. True: so it was, and outcomes say so. */
bool transaction_greylist(struct transaction *tx, struct outcome *outcomes);

/* transaction_delivered: who got a copy in an earlier attempt. */
void transaction_delivered_recall(struct transaction *tx);
/* The next hop took this copy. The keeper is told at once: a kill between that reply and this would double it. */
void transaction_delivered_note(struct transaction *tx, const struct recipient_state *st);

/* transaction_handoff: what another leg of ours judged, as handoff.h proves. */
bool transaction_handoff_holds_for_all(const struct transaction *tx);
/* One that does not hold is logged. */
bool transaction_handoff_holds(const struct transaction *tx, const struct recipient_state *st);
/* Delivers the copy with that leg's lines; seals it if it is not sealed yet and there is a key. */
struct outcome transaction_handoff_deliver(struct transaction *tx, struct recipient_state *st,
                                           struct report *report);

/* transaction_copy: the copy of r, judged for st, in that form. NULL: tempfail, and the log says why; else
 * sealed_free it. */
struct sealed *transaction_copy(struct transaction *tx, const struct recipient_state *to, enum policy_form form,
                                const struct verdict *v);
/* The same with these fields of ours instead of a verdict's. */
struct sealed *transaction_copy_under(struct transaction *tx, const struct recipient_state *to,
                                      enum policy_form form, const struct outside *outside);

#endif
