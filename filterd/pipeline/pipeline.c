/* The way of a message:
 *
 *   received bytes -> message -> evidence, tokens            once; not if another leg of ours
 *                                                             judged it for all (filterd/pipeline/proof.h)
 *                       -> fields anonymized                  once
 *                       -> treatment (users, keys, policies)  \
 *                       -> verdict (judged, recorded)          | for each recipient
 *                       -> action (discard, refuse, go on)     |
 *                       -> headers -> sealed -> next hop      /
 *
 * Whatever goes wrong on it leaves the outcome at its first value, a tempfail. */
#include "filterd/pipeline/pipeline.h"

#include <unistd.h>

#include "base/log.h"
#include "base/sandbox/sandbox.h"
#include "filterd/pipeline/headers.h"
#include "filterd/pipeline/headers_anonymize.h"
#include "filterd/pipeline/way.h"

/* Longer than all deadlines together: what hangs beyond it takes its worker down by SIGALRM, and the
 * MTA still has the message. Before the queue Postfix waits 100 s. */
#define STUCK_SECONDS 400
#define STUCK_WAITING_SECONDS 89
/* Of CPU, beside the limit. */
#define CPU_SECONDS_PER_MB 5
/* Of the time there is before the queue, delivery keeps at least half. */
#define ASKING_SHARE 2

/* What policy makes of spam. True: there is no copy to deliver, *o says how it ended. */
static bool ends_here(struct way *w, const struct verdict *v, struct outcome *o)
{
    if (!v->judged || v->class != JUDGE_SPAM)
        return false;
    if (v->action == SPAM_DISCARD)
        *o = outcome_of(REASON_DISCARDED);
    else if (v->action == SPAM_REJECT && v->refuse && w->arrival->client_waits)
        *o = outcome_of(REASON_SPAM);
    else
        return false;
    return true;
}

/* Spam for a quarantine goes to that address instead, sealed to its key. What would have been
 * sealed never goes there in the clear: without a good key there, the recipient keeps it. */
static struct recipient *addressee(struct way *w, struct recipient *r, struct recipient *quarantine,
                                   const struct verdict *v, struct treatment *t)
{
    const struct settings *s = w->service->settings;
    if (v->action != SPAM_QUARANTINE || !v->judged || v->class != JUDGE_SPAM)
        return r;
    *quarantine = (struct recipient){.address = s->quarantine, .parameters = ""};
    struct treatment there = recipient_treat(w->service, w->arrival->envelope, quarantine);
    if (there.handling == HANDLE_REFUSE ||
        (t->handling == HANDLE_SEAL && there.handling != HANDLE_SEAL)) {
        log_warn("quarantine <%s> has no key that can be used: spam goes to its recipient",
                 s->quarantine);
        treatment_clear(&there);
        return r;
    }
    treatment_clear(t);
    *t = there;
    return quarantine;
}

static bool is_late(const struct way *w)
{
    const gint64 deadline = w->arrival->deadline;
    return deadline && g_get_monotonic_time() >= deadline;
}

static struct outcome deliver(struct way *w, struct turn *t, struct report *report)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct recipient quarantine = {0};
    if (!w->tokens) /* its users changed while we looked: there is nothing to judge it by */
        return o;
    struct verdict *v = way_verdict(w, t);
    struct recipient *to = addressee(w, t->recipient, &quarantine, v, &t->treatment);
    report_verdict(report, v, t->treatment.fingerprint, w->arrival->evidence);
    if (!ends_here(w, v, &o)) {
        verdict_record(v, w->service);
        struct sealed *sealed = way_copy_make(w, to, t->treatment.handling, v);
        if (sealed) {
            report->sealed = sealed_mark(sealed);
            o = hop_deliver(w->hop, w->arrival->envelope, to, sealed);
        }
        if (o.result == RES_OK) {
            way_memory_note(w, t);
            verdict_confirm(v, w->service);
        }
        sealed_free(&sealed);
    }
    if (quarantine.users)
        g_ptr_array_unref(quarantine.users);
    return o;
}

/* From now on: for the message, and anew for each copy, as a thousand recipients are no attack. Reading
 * stops at half of it: this is for what never comes to ask for the time. */
static void allow_cpu(const struct way *w)
{
    const unsigned megabytes = (unsigned)(w->arrival->raw->len >> 20);
    sandbox_cpu(2 * (unsigned)limits_get()->cpu_seconds + CPU_SECONDS_PER_MB * megabytes);
}

static struct outcome serve(struct way *w, struct turn *t)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct report report = report_start(w->arrival->envelope, t->recipient, w->arrival->raw->len);
    if (t->served) {
        o = outcome_of(REASON_SERVED_BEFORE);
        way_memory_note(w, t);
    } else if (t->treatment.handling == HANDLE_REFUSE) {
        o = outcome_of(t->treatment.reason);
    } else if (!is_late(w)) {
        o = (way_kept_for(w, t) ? way_kept_deliver : deliver)(w, t, &report);
    }
    report_end(&report, &o);
    verdict_free(&t->verdict); /* thousands of features */
    return o;
}

/* Where one reply stands for all, a key that went bad since RCPT is found before anybody has a copy:
 * then nobody gets one. */
static bool all_are_treated(const struct way *w, struct outcome *outcomes)
{
    const struct envelope *e = w->arrival->envelope;
    struct outcome others = outcome_of(REASON_PARTIAL); /* or why they have to wait */
    bool all = true;
    for (guint i = 0; i < e->recipients->len; i++) {
        const struct turn *t = &w->turns[i];
        if (t->served || t->treatment.handling != HANDLE_REFUSE)
            continue;
        outcomes[i] = outcome_of(t->treatment.reason);
        if (outcomes[i].result == RES_TEMP)
            others = outcomes[i];
        all = false;
    }
    for (guint i = 0; !all && i < e->recipients->len; i++) {
        const struct turn *t = &w->turns[i];
        struct report report = report_start(e, t->recipient, w->arrival->raw->len);
        if (t->served || t->treatment.handling != HANDLE_REFUSE)
            outcomes[i] = t->served ? outcome_of(REASON_SERVED_BEFORE) : others;
        report_end(&report, &outcomes[i]);
    }
    return all;
}

static void treat_all(struct way *w)
{
    const struct envelope *e = w->arrival->envelope;
    for (guint i = 0; i < e->recipients->len; i++) {
        w->turns[i].recipient = e->recipients->pdata[i];
        w->turns[i].treatment = recipient_treat(w->service, e, e->recipients->pdata[i]);
    }
}

static void serve_all(struct way *w, struct outcome *outcomes)
{
    const struct arrival *a = w->arrival;
    treat_all(w);
    if (way_greylist_asks(w, outcomes))
        return;
    way_memory_recall(w);
    if (a->client_waits && !all_are_treated(w, outcomes))
        return;
    for (guint i = 0; i < a->envelope->recipients->len; i++) {
        allow_cpu(w);
        outcomes[i] = serve(w, &w->turns[i]);
        if (a->settled && !a->settled(i, &outcomes[i], a->arg))
            break;
    }
}

static void turns_free(struct way *w)
{
    for (guint i = 0; i < w->arrival->envelope->recipients->len; i++) {
        treatment_clear(&w->turns[i].treatment);
        verdict_free(&w->turns[i].verdict);
    }
    g_clear_pointer(&w->turns, g_free);
}

static void bound_evidence(const struct arrival *a)
{
    const gint64 now = g_get_monotonic_time();
    if (a->client_waits && a->deadline)
        evidence_set_deadline(a->evidence, now + MAX(a->deadline - now, 0) / ASKING_SHARE);
}

/* Everything there is to judge it by. */
static void gather(struct way *w)
{
    const struct arrival *a = w->arrival;
    struct reading *reading = reading_new(w->message);
    bound_evidence(a);
    evidence_finish(a->evidence, reading, a->bare);
    w->tokens = tokens_new_of(reading);
    tokens_add_facts(w->tokens, evidence_facts(a->evidence));
    reading_free(&reading);
}

void pipeline_run(struct service *sv, struct hop *hop, const struct arrival *a,
                  struct outcome *outcomes)
{
    struct way w = {.service = sv, .hop = hop, .arrival = a};
    sealer_set_deadline(sv->sealer, a->deadline);
    alarm(a->client_waits ? STUCK_WAITING_SECONDS : STUCK_SECONDS);
    allow_cpu(&w);
    w.turns = g_new0(struct turn, a->envelope->recipients->len);
    limits_forget();
    w.message = message_new((const char *)a->raw->data, a->raw->len);
    const struct listener *l = a->envelope->listener;
    w.content = retry_digest_content_of(&sv->retry_key, l ? l->name : "", w.message);
    w.proof = proof_new(&sv->key, w.message);
    headers_drop_forged(w.message, sv->settings);
    w.encrypted = seal_is_encrypted(w.message);
    if (!way_kept_for_all(&w))
        gather(&w);
    GPtrArray *texts = headers_anonymize(sv, a->envelope->listener, w.message);
    headers_drop_forged(w.message, sv->settings); /* what a replacement made, too */
    if (texts)
        serve_all(&w, outcomes);
    turns_free(&w);
    tokens_free(&w.tokens);
    proof_free(&w.proof);
    message_free(&w.message);
    if (texts)
        g_ptr_array_unref(texts);
    alarm(0);
}
