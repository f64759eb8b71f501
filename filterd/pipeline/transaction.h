/* transaction: one message and its recipients, as the stages of the pipeline share them. */
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
#include "gpg/encrypted.h"
#include "gpg/outside.h"
#include "gpg/seal.h"

struct transaction {
    struct context *context;
    struct next_hop *hop;
    const struct received *received;
    struct message *message;
    struct delivered_digest_content content;
    struct tokens *tokens;          /* NULL: another leg judged it for all recipients */
    struct handoff *handoff;        /* what another leg of filterd says it judged; NULL: no proof that could be
                                     * valid */
    struct encrypted *encrypted;    /* how it arrived; NULL: it is not encrypted */
    struct recipient_state *states; /* one for each recipient of the envelope */
};

/* The verdict for this recipient. Judges at the first call; lent by st. */
struct verdict *transaction_verdict(struct transaction *tx, struct recipient_state *st);

/* transaction_greylist: asks the client to come back later (a tempfail for all recipients, before any has a
 * copy) if the message is doubtful and the client still waits. True: it did, outcomes are set. */
bool transaction_greylist(struct transaction *tx, struct outcome *outcomes);

/* transaction_delivered: marks the recipients that got a copy in an earlier attempt. */
void transaction_delivered_recall(struct transaction *tx);
/* The next hop took this copy. Tells the keeper at once: if the worker were killed between that reply and this
 * call, the recipient would get the copy twice. */
void transaction_delivered_note(struct transaction *tx, const struct recipient_state *st);

/* transaction_handoff: true if handoff.h proves that another leg of filterd judged the message for all
 * recipients. */
bool transaction_handoff_holds_for_all(const struct transaction *tx);
/* The same for one recipient. Logs a proof that does not hold. */
bool transaction_handoff_holds(const struct transaction *tx, const struct recipient_state *st);
/* Delivers the copy with the lines of the earlier leg; seals it if it is not sealed yet and there is a key. */
struct outcome transaction_handoff_deliver(struct transaction *tx, struct recipient_state *st,
                                           struct report *report);

/* transaction_copy: makes the copy for this recipient in that form; sealed_free it. NULL: tempfail, and the log
 * says why. */
struct sealed *transaction_copy(struct transaction *tx, const struct recipient_state *to, enum policy_form form,
                                const struct verdict *v);
/* The same with these header lines instead of those made from a verdict. */
struct sealed *transaction_copy_under(struct transaction *tx, const struct recipient_state *to,
                                      enum policy_form form, const struct outside *outside);

#endif
