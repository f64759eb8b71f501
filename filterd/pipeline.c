/* The way of a message:
 *
 *   received bytes -> message -> evidence, tokens            once; not if another leg of ours
 *                                                             judged it for all (filterd/proof.h)
 *                       -> fields anonymized                  once
 *                       -> treatment (users, keys, policies)  \
 *                       -> verdict (judged, recorded)          | for each recipient
 *                       -> action (discard, refuse, go on)     |
 *                       -> headers -> sealed -> next hop      /
 *
 * Whatever goes wrong on it leaves the outcome at its first value, a tempfail. */
#include "filterd/pipeline.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/network.h"
#include "base/sandbox.h"
#include "filterd/greylisting.h"
#include "filterd/headers.h"
#include "filterd/headers_anonymize.h"
#include "filterd/proof.h"
#include "filterd/recipient.h"
#include "filterd/report.h"
#include "filterd/verdict.h"

/* Longer than all deadlines together: what hangs beyond it (a gpg that never ends) takes its worker
 * down by SIGALRM, and the MTA still has the message. Before the queue Postfix waits 100 s. */
#define STUCK_SECONDS 400
#define STUCK_WAITING_SECONDS 89
/* Of CPU, beside the limit. */
#define CPU_SECONDS_PER_MB 5
/* Of the time there is before the queue, delivery keeps at least half. */
#define ASKING_SHARE 2

/* One recipient's. */
struct turn {
    struct recipient *recipient;
    struct treatment treatment;
    struct verdict *verdict; /* NULL: not judged yet */
    unsigned char digest[RETRY_DIGEST_BYTES];
    bool served; /* in an earlier attempt */
};

struct way {
    struct service *service;
    struct hop *hop;
    const struct arrival *arrival;
    struct message *message;
    struct retry_digest_content content;
    struct tokens *tokens;
    struct proof *proof; /* NULL: none that could hold */
    bool encrypted; /* came encrypted: passed on as it is */
    struct turn *turns; /* one for each recipient of the envelope */
};

static struct verdict *judge(struct way *w, struct turn *t)
{
    const struct listener *l = w->arrival->envelope->listener;
    const struct verdict_basis basis = {w->tokens, w->arrival->evidence, w->arrival->envelope,
                                        w->message};
    if (t->verdict)
        return t->verdict;
    if (t->treatment.handling == HANDLE_FOREIGN || (l && l->role == ROLE_SUBMISSION))
        t->verdict = verdict_none();
    else
        t->verdict = verdict_new(w->service, recipient_judges(w->service, t->recipient), &basis);
    return t->verdict;
}

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

static struct sealed *seal(struct way *w, const struct recipient *r, enum handling handling,
                           const struct bytes *added)
{
    char *error = NULL;
    if (w->encrypted)
        return seal_pass(w->message, added, PASS_ALREADY_ENCRYPTED);
    if (handling == HANDLE_PASS)
        return seal_pass(w->message, added, PASS_NO_KEY);
    if (handling == HANDLE_FOREIGN)
        return seal_pass(w->message, added, PASS_NOT_OURS);
    struct sealed *sealed = (r->others ? seal_message_hidden : seal_message)(
        w->service->sealer, w->message, added, r->users, &error);
    if (!sealed)
        log_warn("sealing failed, tempfailed: %s", error ? error : "no reason given");
    g_free(error);
    return sealed;
}

/* What comes back from an MTA to another leg of ours need not be judged again there. */
static void prove(struct way *w, const struct recipient *r, const struct bytes *added,
                  struct sealed *sealed)
{
    GPtrArray *users = recipient_judges(w->service, r);
    char *field = proof_field(&w->service->key, sealed_bytes(sealed), added, users);
    if (field)
        sealed_prepend(sealed, field);
    g_free(field);
    g_ptr_array_unref(users);
}

/* Our headers on top, the copy sealed under them. */
static struct sealed *make_copy(struct way *w, const struct recipient *r, enum handling handling,
                                const struct verdict *v)
{
    const struct settings *s = w->service->settings;
    struct bytes added = {0};
    struct header *subject = NULL;
    const char *mark = w->encrypted ? "already" : handling == HANDLE_SEAL ? "yes" : "no";
    headers_ours(&added, s, v, mark);
    evidence_header_lines(w->arrival->evidence, &added);
    if (s->subject_tag && v->judged && v->class == JUDGE_SPAM)
        subject = headers_tag_subject(&added, w->message, s->subject_tag);
    struct sealed *sealed = seal(w, r, handling, &added);
    if (subject)
        subject->dropped = false;
    if (sealed && handling != HANDLE_FOREIGN && hop_is_mta(w->hop))
        prove(w, r, &added, sealed);
    bytes_free(&added);
    return sealed;
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

static bool remembers(const struct way *w)
{
    return w->arrival->served && w->content.dated;
}

/* Told at once: a kill between the next hop's reply and this would double the copy. */
static void note_served(struct way *w, const struct turn *t)
{
    if (!remembers(w))
        return;
    if (!t->served)
        service_retry_served(w->service, t->digest);
    g_byte_array_append(w->arrival->served, t->digest, sizeof t->digest);
}

static bool holds_for(struct way *w, const struct recipient *r)
{
    if (!w->proof)
        return false;
    GPtrArray *users = recipient_judges(w->service, r);
    const bool holds = proof_holds(w->proof, users);
    g_ptr_array_unref(users);
    return holds;
}

static bool is_kept(struct way *w, const struct turn *t)
{
    if (!w->proof || t->treatment.handling == HANDLE_FOREIGN)
        return false;
    const bool holds = holds_for(w, t->recipient);
    if (!holds)
        log_info("to=<%s> X-Filterd-Proof is another's, forged or of a message since changed: "
                 "judged anew", t->recipient->address);
    return holds;
}

static bool all_are_kept(struct way *w)
{
    const GPtrArray *recipients = w->arrival->envelope->recipients;
    bool all = w->proof != NULL;
    for (guint i = 0; all && i < recipients->len; i++)
        all = holds_for(w, recipients->pdata[i]);
    return all;
}

/* What another leg judged keeps its lines, and what it did not seal is sealed if there is a key. */
static struct outcome deliver_kept(struct way *w, struct turn *t, struct report *report)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct bytes added = {0};
    const bool now = !w->encrypted && t->treatment.handling == HANDLE_SEAL;
    proof_lines(w->proof, now ? "yes" : NULL, &added);
    proof_hide(w->proof, true);
    report_kept(report, t->treatment.fingerprint);
    struct sealed *sealed = seal(w, t->recipient, t->treatment.handling, &added);
    if (sealed && hop_is_mta(w->hop))
        prove(w, t->recipient, &added, sealed);
    if (sealed) {
        report->sealed = sealed_mark(sealed);
        o = hop_deliver(w->hop, w->arrival->envelope, t->recipient, sealed);
    }
    if (o.result == RES_OK)
        note_served(w, t);
    sealed_free(&sealed);
    proof_hide(w->proof, false);
    bytes_free(&added);
    return o;
}

static struct outcome deliver(struct way *w, struct turn *t, struct report *report)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct recipient quarantine = {0};
    if (!w->tokens) /* its users changed while we looked: there is nothing to judge it by */
        return o;
    struct verdict *v = judge(w, t);
    struct recipient *to = addressee(w, t->recipient, &quarantine, v, &t->treatment);
    report_verdict(report, v, t->treatment.fingerprint, w->arrival->evidence);
    if (!ends_here(w, v, &o)) {
        verdict_record(v, w->service);
        struct sealed *sealed = make_copy(w, to, t->treatment.handling, v);
        if (sealed) {
            report->sealed = sealed_mark(sealed);
            o = hop_deliver(w->hop, w->arrival->envelope, to, sealed);
        }
        if (o.result == RES_OK) {
            note_served(w, t);
            verdict_confirm(v, w->service);
        }
        sealed_free(&sealed);
    }
    if (quarantine.users)
        g_ptr_array_unref(quarantine.users);
    return o;
}

/* From now on: for the message, and anew for each copy, as a thousand recipients are no attack. */
static void allow_cpu(const struct way *w)
{
    const unsigned megabytes = (unsigned)(w->arrival->raw->len >> 20);
    sandbox_cpu((unsigned)limits_get()->cpu_seconds + CPU_SECONDS_PER_MB * megabytes);
}

static struct outcome serve(struct way *w, struct turn *t)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct report report = report_start(w->arrival->envelope, t->recipient, w->arrival->raw->len);
    if (t->served) {
        o = outcome_of(REASON_SERVED_BEFORE);
        note_served(w, t);
    } else if (t->treatment.handling == HANDLE_REFUSE) {
        o = outcome_of(t->treatment.reason);
    } else if (!is_late(w)) {
        o = (is_kept(w, t) ? deliver_kept : deliver)(w, t, &report);
    }
    report_end(&report, &o);
    verdict_free(&t->verdict); /* thousands of features */
    return o;
}

/* Our own people are not asked, whatever they send; nor is who waits no more. */
static bool may_be_asked(const struct way *w)
{
    const struct settings *s = w->service->settings;
    const char *client = w->arrival->envelope->client_addr;
    return s->greylist && w->arrival->client_waits && client &&
           !network_contains(s->trusted_networks, client);
}

static bool is_doubtful(const struct way *w, const struct verdict *v)
{
    const struct evidence *ev = w->arrival->evidence;
    const double p = w->service->settings->unsure_threshold;
    return v->judged && v->word == VERDICT_BY_SCORE &&
           greylisting_wanted(evidence_hits(ev), evidence_spf(ev)->code, v->score - log(p / (1 - p)));
}

/* Every triplet is begun, so that one wait does for all. The domain that SPF proves comes first, as
 * for the policy service: who has waited there has waited. */
static bool any_is_new(const struct way *w)
{
    const struct envelope *e = w->arrival->envelope;
    const struct spf_result *spf = evidence_spf(w->arrival->evidence);
    const char *proved = spf->code == SPF_CODE_PASS ? spf->domain
                                                    : evidence_proved_domain(w->arrival->evidence);
    bool wait = false;
    for (guint i = 0; i < e->recipients->len; i++) {
        const struct recipient *r = e->recipients->pdata[i];
        struct greylist_triplet t = {e->client_addr, proved, e->sender, r->address};
        wait |= service_greylist(w->service, &t) > 0;
        for (size_t k = 0; r->others && r->others[k]; k++) {
            t.recipient = r->others[k];
            wait |= service_greylist(w->service, &t) > 0;
        }
    }
    return wait;
}

/* The first who is judged. */
static struct turn *first_judged(const struct way *w)
{
    const guint n = w->arrival->envelope->recipients->len;
    for (guint i = 0; i < n; i++)
        if (w->turns[i].treatment.handling != HANDLE_FOREIGN)
            return &w->turns[i];
    return NULL;
}

/* Whoever is doubtful and still waits is asked to come again: all recipients together, before any
 * has a copy. */
static bool asks_to_come_again(struct way *w, struct outcome *outcomes)
{
    const struct arrival *a = w->arrival;
    struct turn *first = w->tokens && may_be_asked(w) ? first_judged(w) : NULL;
    if (!first || !is_doubtful(w, judge(w, first)) || !any_is_new(w))
        return false;
    for (guint i = 0; i < a->envelope->recipients->len; i++) {
        struct report report = report_start(a->envelope, w->turns[i].recipient, a->raw->len);
        outcomes[i] = outcome_of(REASON_GREYLISTED);
        report_verdict(&report, first->verdict, NULL, a->evidence);
        report_end(&report, &outcomes[i]);
    }
    return true;
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

/* Who has a copy already. */
static void recall(struct way *w)
{
    const struct envelope *e = w->arrival->envelope;
    const guint n = e->recipients->len;
    unsigned char *digests = g_malloc(n * RETRY_DIGEST_BYTES), *known = g_malloc0(n);
    for (guint i = 0; i < n; i++) {
        struct turn *t = &w->turns[i];
        retry_digest_copy(&w->service->retry_key, &w->content, e->sender ? e->sender : "",
                          t->recipient->address, t->digest);
        memcpy(digests + i * RETRY_DIGEST_BYTES, t->digest, RETRY_DIGEST_BYTES);
    }
    service_retry_known(w->service, digests, n, known);
    for (guint i = 0; i < n; i++)
        w->turns[i].served = known[i];
    g_free(digests);
    g_free(known);
}

static void serve_all(struct way *w, struct outcome *outcomes)
{
    const struct arrival *a = w->arrival;
    treat_all(w);
    if (asks_to_come_again(w, outcomes))
        return;
    if (remembers(w))
        recall(w);
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
    bound_evidence(a);
    evidence_finish(a->evidence, w->message, a->bare);
    w->tokens = tokens_new(w->message);
    tokens_add_facts(w->tokens, evidence_facts(a->evidence));
}

void pipeline_run(struct service *sv, struct hop *hop, const struct arrival *a,
                  struct outcome *outcomes)
{
    struct way w = {.service = sv, .hop = hop, .arrival = a};
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
    if (!all_are_kept(&w))
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
