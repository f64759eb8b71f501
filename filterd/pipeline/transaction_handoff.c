/* Keeps the verdict of another leg of filterd instead of judging again. Called by pipeline.c. */
#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "base/network.h"
#include "base/result.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/keeper/spent.h"
#include "filterd/pipeline/handoff.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/report.h"
#include "filterd/pipeline/transaction.h"
#include "gpg/outside.h"
#include "gpg/seal.h"

/* A proof counts where only our own MTA comes from, behind its queue. In front any client could send a copy that it
 * has seen once more, with another From and Subject outside; but those who are trusted may be an MTA of ours. */
static bool believes(const struct transaction *tx)
{
    const struct received *a = tx->received;
    const char *client = a->envelope->client_addr;
    return !a->client_waits || (client && network_contains(tx->context->settings->trusted_networks, client));
}

void transaction_handoff_read(struct transaction *tx)
{
    const struct bytes *raw = tx->received->raw;
    const char *text = (const char *)raw->data, *sender = tx->received->envelope->sender;
    tx->handoff = believes(tx) ? handoff_new(&tx->context->key, text, raw->len) : NULL;
    tx->message = (handoff_is_ours(tx->handoff) ? message_new_roomy : message_new)(text, raw->len);
    if (tx->handoff)
        handoff_compare(tx->handoff, tx->message, sender, tx->context->settings->queue_days);
}

/* The proof's digests for all users of one recipient, appended. */
static void add_spendings(const struct transaction *tx, const struct recipient_state *st, GByteArray *digests)
{
    unsigned char digest[SPENT_BYTES];
    for (guint i = 0; i < st->judges->len; i++) {
        handoff_spending(tx->handoff, st->judges->pdata[i], tx->received->envelope->queue_id, digest);
        g_byte_array_append(digests, digest, sizeof digest);
    }
}

void transaction_handoff_recall(struct transaction *tx)
{
    const guint n = tx->received->envelope->recipients->len;
    GByteArray *digests = g_byte_array_new();
    g_clear_pointer(&tx->spent, g_free);
    tx->spent = g_new0(bool, n);
    for (guint i = 0; i < n; i++)
        if (!handoff_fault(tx->handoff, tx->states[i].judges))
            add_spendings(tx, &tx->states[i], digests);
    const guint count = digests->len / SPENT_BYTES;
    g_autofree unsigned char *known = g_malloc0(count + 1);
    keeper_client_spent_known(tx->context->keeper, digests->data, count, known);
    for (guint i = 0, at = 0; i < n; i++)
        if (!handoff_fault(tx->handoff, tx->states[i].judges))
            for (guint k = 0; k < tx->states[i].judges->len; k++)
                tx->spent[i] |= known[at++];
    g_byte_array_unref(digests);
}

/* NULL: the proof holds for this recipient. */
static const char *fault_for(const struct transaction *tx, const struct recipient_state *st)
{
    const char *fault = handoff_fault(tx->handoff, st->judges);
    return !fault && tx->spent[st - tx->states] ? "a copy with it was delivered before" : fault;
}

bool transaction_handoff_holds_for_all(const struct transaction *tx)
{
    const guint n = tx->received->envelope->recipients->len;
    bool all = tx->handoff != NULL;
    for (guint i = 0; all && i < n; i++)
        all = tx->states[i].disposition.handling != POLICY_HANDLE_FOREIGN && !fault_for(tx, &tx->states[i]);
    return all;
}

bool transaction_handoff_holds(const struct transaction *tx, const struct recipient_state *st)
{
    if (!tx->handoff || st->disposition.handling == POLICY_HANDLE_FOREIGN)
        return false;
    const char *fault = fault_for(tx, st), *id = tx->received->envelope->queue_id;
    if (fault)
        log_info("qid=%s to=<%s> judged anew, X-Filterd-Proof does not hold: %s", id ? id : "-",
                 st->recipient->address, fault);
    return !fault;
}

/* The next hop took the copy: nobody can use its proof again. */
static void spend(const struct transaction *tx, const struct recipient_state *st)
{
    GByteArray *digests = g_byte_array_new();
    add_spendings(tx, st, digests);
    keeper_client_spent(tx->context->keeper, digests->data, digests->len / SPENT_BYTES);
    g_byte_array_unref(digests);
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
        spend(tx, st);
        confirm(tx, st);
    }
    sealed_free(&sealed);
    outside_clear(&outside);
    return o;
}
