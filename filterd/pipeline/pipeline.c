/* The stages of a message. Called by the sessions and by filterd-pipe.
 *
 *   received bytes -> message -> evidence, tokens       once; skipped if the filterd before Postfix's queue
 *                                                        has judged it for all recipients (handoff.h)
 *                  -> states (users, keys, disposition)  once for each recipient
 *                  -> fields anonymized                 once
 *                  -> greylisting                       once: all recipients come again, or none
 *                  -> delivered before?                 \
 *                  -> verdict (judged, recorded)         | for each recipient
 *                  -> plan (policy.h)                    |
 *                  -> copy (sealed) -> next hop         /
 *
 * Every error leaves the outcome as the caller set it: a tempfail. */
#include "filterd/pipeline/pipeline.h"

#include <glib.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "base/mail/message.h"
#include "base/mail/reading.h"
#include "base/result.h"
#include "base/sandbox/sandbox.h"
#include "classifier/classifier.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "filterd/pipeline/handoff.h"
#include "filterd/pipeline/headers.h"
#include "filterd/pipeline/headers_anonymize.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/report.h"
#include "filterd/pipeline/delivered_digest.h"
#include "filterd/pipeline/transaction.h"
#include "filterd/pipeline/verdict.h"
#include "gpg/encrypted.h"
#include "gpg/seal.h"
#include "rules/evidence.h"

/* Longer than all deadlines together: SIGALRM then ends a worker that hangs, and the MTA still has the message.
 * Before the queue Postfix waits 100 s (smtpd_proxy_timeout). */
#define STUCK_SECONDS 400
#define STUCK_WAITING_SECONDS 89
/* CPU seconds added to the limit for each MB of message. */
#define CPU_SECONDS_PER_MB 5
/* Evidence may take half of the time there is before the queue: the rest is for delivery. */
#define ASKING_SHARE 2

/* The plan for a copy. If spam goes to the quarantine, *quarantine gets the state of its address. */
static struct policy_plan plan_copy(struct transaction *tx, struct recipient_state *st,
                                    const struct verdict *v, struct recipient_state *quarantine)
{
    struct policy_copy c = {.own = st->disposition,
                            .spam = v->judged && v->class == JUDGE_SPAM,
                            .action = v->action,
                            .over_reject = v->refuse,
                            .client_waits = tx->received->client_waits,
                            .encrypted = recipient_state_encrypted(st, tx->context, tx->encrypted),
                            .already = tx->context->settings->already};
    if (policy_is_moved(&c)) {
        recipient_state_fill(quarantine, tx->context, tx->received->envelope, quarantine->recipient);
        c.quarantine = quarantine->disposition;
        c.encrypted_there = recipient_state_encrypted(quarantine, tx->context, tx->encrypted);
    }
    const struct policy_plan plan = policy_plan(&c);
    if (policy_is_moved(&c) && !plan.to_quarantine)
        log_warn("quarantine <%s> has no key that can be used: spam goes to its recipient",
                 tx->context->settings->quarantine);
    return plan;
}

static bool is_late(const struct transaction *tx)
{
    const gint64 deadline = tx->received->deadline;
    return deadline && g_get_monotonic_time() >= deadline;
}

static struct outcome send_copy(struct transaction *tx, const struct recipient_state *to, enum policy_form form,
                                const struct verdict *v, struct report *report)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct sealed *sealed = transaction_copy(tx, to, form, v);
    /* Looked at again: keys and settings were read since then. */
    if (sealed && context_has_state(tx->context)) {
        report_copy(report, form, sealed);
        o = next_hop_deliver(tx->hop, tx->received->envelope, to->recipient, to->judges, sealed);
    }
    sealed_free(&sealed);
    return o;
}

static struct outcome deliver(struct transaction *tx, struct recipient_state *st, struct report *report)
{
    if (!tx->tokens) /* gather_and_fill skips them only where no recipient comes here */
        return outcome_of(REASON_UNFORESEEN);
    struct verdict *v = transaction_verdict(tx, st);
    struct recipient moved = {.address = tx->context->settings->quarantine, .parameters = (char *)""};
    struct recipient_state quarantine = {.recipient = &moved};
    struct outcome o;
    const struct policy_plan plan = plan_copy(tx, st, v, &quarantine);
    const struct recipient_state *to = plan.to_quarantine ? &quarantine : st;
    report_verdict(report, v, tx->received->evidence);
    report_keys(report, to, plan.form);
    if (plan.form == POLICY_FORM_NONE) {
        o = outcome_of(plan.reason);
    } else {
        verdict_record(v, tx->context);
        o = send_copy(tx, to, plan.form, v, report);
        if (o.result == RES_OK) {
            transaction_delivered_note(tx, st);
            verdict_confirm(v, tx->context, to == st && next_hop_is_mailbox(tx->hop));
        }
    }
    recipient_state_clear(&quarantine);
    g_clear_pointer(&moved.users, g_ptr_array_unref);
    return o;
}

/* Sets the CPU limit from now on: once for the message, and again for each copy, so that a thousand recipients
 * do not use it up. Reading stops by itself after cpu_seconds (limits_time_is_up); this limit, above twice that,
 * ends code that does not look at the clock. */
static void allow_cpu(const struct transaction *tx)
{
    const unsigned megabytes = (unsigned)(tx->received->raw->len >> 20);
    sandbox_cpu(2 * (unsigned)limits_get()->cpu_seconds + CPU_SECONDS_PER_MB * megabytes);
}

static struct outcome serve(struct transaction *tx, struct recipient_state *st)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct report report = report_start(tx->received->envelope, st->recipient, tx->message);
    if (st->delivered_before) {
        o = outcome_of(REASON_SERVED_BEFORE);
    } else if (st->disposition.handling == POLICY_HANDLE_REFUSE) {
        o = outcome_of(st->disposition.reason);
    } else if (!is_late(tx)) {
        o = (transaction_handoff_holds(tx, st) ? transaction_handoff_deliver : deliver)(tx, st, &report);
    }
    report_end(&report, &o);
    verdict_free(&st->verdict); /* holds thousands of features */
    return o;
}

/* One reply answers for all recipients: if one's key went bad since RCPT, refuse all before any copy is
 * delivered. */
static bool none_is_refused(const struct transaction *tx, struct outcome *outcomes)
{
    const struct envelope *e = tx->received->envelope;
    struct outcome others = outcome_of(REASON_PARTIAL); /* or the reason of a recipient that is tempfailed */
    bool none = true;
    for (guint i = 0; i < e->recipients->len; i++) {
        const struct recipient_state *st = &tx->states[i];
        if (st->delivered_before || st->disposition.handling != POLICY_HANDLE_REFUSE)
            continue;
        outcomes[i] = outcome_of(st->disposition.reason);
        if (outcomes[i].result == RES_TEMP)
            others = outcomes[i];
        none = false;
    }
    for (guint i = 0; !none && i < e->recipients->len; i++) {
        const struct recipient_state *st = &tx->states[i];
        struct report report = report_start(e, st->recipient, tx->message);
        if (st->delivered_before || st->disposition.handling != POLICY_HANDLE_REFUSE)
            outcomes[i] = st->delivered_before ? outcome_of(REASON_SERVED_BEFORE) : others;
        report_end(&report, &outcomes[i]);
    }
    return none;
}

static void serve_all(struct transaction *tx, struct outcome *outcomes)
{
    const struct received *a = tx->received;
    if (transaction_greylist(tx, outcomes))
        return;
    transaction_delivered_recall(tx);
    if (a->client_waits && !none_is_refused(tx, outcomes))
        return;
    for (guint i = 0; i < a->envelope->recipients->len; i++) {
        allow_cpu(tx);
        outcomes[i] = serve(tx, &tx->states[i]);
        if (a->settled && !a->settled(i, &outcomes[i], a->arg))
            break;
    }
}

static void states_clear(struct transaction *tx)
{
    for (guint i = 0; i < tx->received->envelope->recipients->len; i++)
        recipient_state_clear(&tx->states[i]);
}

static void states_fill(struct transaction *tx)
{
    const struct envelope *e = tx->received->envelope;
    states_clear(tx);
    for (guint i = 0; i < e->recipients->len; i++)
        recipient_state_fill(&tx->states[i], tx->context, e, e->recipients->pdata[i]);
}

static void bound_evidence(const struct received *a)
{
    const gint64 now = g_get_monotonic_time();
    if (a->client_waits && a->deadline)
        evidence_set_deadline(a->evidence, now + MAX(a->deadline - now, 0) / ASKING_SHARE);
}

/* Collects what the message is judged by. */
static void gather(struct transaction *tx)
{
    const struct received *a = tx->received;
    struct reading *reading = reading_new(tx->message);
    bound_evidence(a);
    evidence_finish(a->evidence, reading, a->bare);
    tx->tokens = tokens_new_of(reading);
    tokens_add_facts(tx->tokens, evidence_facts(a->evidence));
    reading_free(&reading);
}

/* Judges nothing and asks nobody if another leg judged the message for all recipients, which takes their states to
 * tell. Otherwise fills the states (again) after the evidence, which may take seconds, so that copies are made
 * with the keys of that moment. */
static void gather_and_fill(struct transaction *tx)
{
    if (tx->handoff) {
        states_fill(tx);
        transaction_handoff_recall(tx);
        if (transaction_handoff_holds_for_all(tx))
            return;
    }
    gather(tx);
    states_fill(tx);
}

void pipeline_run(struct context *ctx, struct next_hop *hop, const struct received *a,
                  struct outcome *outcomes)
{
    struct transaction tx = {.context = ctx, .hop = hop, .received = a};
    sealer_set_deadline(ctx->sealer, a->deadline);
    alarm(a->client_waits ? STUCK_WAITING_SECONDS : STUCK_SECONDS);
    allow_cpu(&tx);
    tx.states = g_new0(struct recipient_state, a->envelope->recipients->len);
    transaction_handoff_read(&tx);
    const struct listener *l = a->envelope->listener;
    tx.content = delivered_digest_content_of(&ctx->delivered_key, l ? l->name : "", tx.message);
    headers_drop_forged(tx.message, ctx->settings);
    tx.encrypted = encrypted_new(tx.message);
    gather_and_fill(&tx);
    transaction_delivered_origins(&tx);
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    const bool anonymized = headers_anonymize(ctx, a->envelope->listener, tx.message, texts);
    headers_drop_forged(tx.message, ctx->settings); /* replacements may have made new ones */
    if (anonymized)
        serve_all(&tx, outcomes);
    states_clear(&tx);
    g_free(tx.states);
    tokens_free(&tx.tokens);
    handoff_free(&tx.handoff);
    encrypted_free(&tx.encrypted);
    g_free(tx.spent);
    message_free(&tx.message);
    g_ptr_array_unref(texts);
    alarm(0);
}
