/* Judges the message for a recipient. Called by pipeline.c and transaction_greylist.c. */
#include "filterd/pipeline/transaction.h"

#include <glib.h>

#include "base/config/settings.h"
#include "base/mail/envelope.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/verdict.h"
#include "filterd/pipeline/verdict_basis.h"

struct verdict *transaction_verdict(struct transaction *tx, struct recipient_state *st)
{
    const struct envelope *e = tx->received->envelope;
    const struct verdict_basis basis = {tx->tokens, tx->received->evidence, e, tx->message};
    const bool submitted = e->listener && e->listener->role == ROLE_SUBMISSION;
    if (st->verdict)
        return st->verdict;
    if (st->disposition.handling == POLICY_HANDLE_FOREIGN || submitted)
        st->verdict = verdict_none();
    else
        st->verdict = verdict_new(tx->context, st->judges, st->settings, &basis);
    return st->verdict;
}
