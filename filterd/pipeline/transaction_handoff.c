/* Keeps the verdict of another leg of filterd instead of judging again. Called by pipeline.c. */
#include <glib.h>
#include <stdbool.h>

#include "base/log.h"
#include "base/mail/envelope.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "base/result.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/pipeline/handoff.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/report.h"
#include "filterd/pipeline/transaction.h"
#include "gpg/outside.h"
#include "gpg/seal.h"

bool transaction_handoff_holds_for_all(const struct transaction *tx)
{
    const guint n = tx->received->envelope->recipients->len;
    bool all = tx->handoff != NULL;
    for (guint i = 0; all && i < n; i++)
        all = tx->states[i].disposition.handling != POLICY_HANDLE_FOREIGN &&
              handoff_holds(tx->handoff, tx->states[i].judges);
    return all;
}

bool transaction_handoff_holds(const struct transaction *tx, const struct recipient_state *st)
{
    if (!tx->handoff || st->disposition.handling == POLICY_HANDLE_FOREIGN)
        return false;
    const bool holds = handoff_holds(tx->handoff, st->judges);
    if (!holds)
        log_info("to=<%s> X-Filterd-Proof is another's, forged or of a message since changed: "
                 "judged anew", st->recipient->address);
    return holds;
}

/* The signature (of learning) in a line of the leg that judged; g_free. NULL: there is none. */
static char *signature_of(const struct transaction *tx)
{
    const struct message *m = tx->message;
    g_autofree char *name = g_strconcat(tx->context->settings->header_prefix, "-Signature", NULL);
    char *signature = NULL;
    for (size_t i = 0; i < m->header_count && !signature; i++)
        if (header_is(&m->headers[i], name))
            signature = g_strndup(m->headers[i].value, m->headers[i].value_len);
    return signature ? g_strstrip(signature) : NULL;
}

/* The mailbox took mail for an address that no table names: the keeper learns that it exists, as the leg before
 * the queue could not know. */
static void confirm(const struct transaction *tx, const struct recipient_state *st)
{
    if (!next_hop_is_mailbox(tx->hop) || st->recipient->users->len > 0)
        return;
    g_autofree char *signature = signature_of(tx);
    for (guint i = 0; signature && i < st->judges->len; i++)
        keeper_client_confirm(tx->context->keeper, &(struct keeper_confirm){st->judges->pdata[i], signature, true});
}

struct outcome transaction_handoff_deliver(struct transaction *tx, struct recipient_state *st,
                                           struct report *report)
{
    const struct policy_copy c = {.own = st->disposition,
                                  .encrypted = recipient_state_encrypted(st, tx->context, tx->encrypted),
                                  .already = tx->context->settings->already};
    const struct policy_plan plan = policy_plan(&c);
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct outside outside = {0};
    handoff_outside(tx->handoff, plan.form == POLICY_FORM_SEALED ? "yes" : NULL, &outside);
    report_kept(report);
    report_keys(report, st, plan.form);
    struct sealed *sealed = transaction_copy_under(tx, st, plan.form, &outside);
    if (sealed) {
        report_copy(report, plan.form, sealed);
        o = next_hop_deliver(tx->hop, tx->received->envelope, st->recipient, st->judges, sealed);
    }
    if (o.result == RES_OK) {
        transaction_delivered_note(tx, st);
        confirm(tx, st);
    }
    sealed_free(&sealed);
    outside_clear(&outside);
    return o;
}
