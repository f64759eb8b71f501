/* The way of a message:
 *
 *   received bytes -> message -> evidence, tokens            once
 *                       -> fields anonymized                  once
 *                       -> treatment (users, keys, policies)  \
 *                       -> verdict (judged, recorded)          | for each recipient
 *                       -> action (discard, refuse, go on)     |
 *                       -> headers -> sealed -> next hop      /
 *
 * Whatever goes wrong on it leaves the outcome at its first value, a tempfail. */
#include "filterd/pipeline.h"

#include <math.h>
#include <unistd.h>

#include "base/log.h"
#include "base/network.h"
#include "filterd/greylisting.h"
#include "filterd/headers.h"
#include "filterd/headers_anonymize.h"
#include "filterd/recipient.h"
#include "filterd/report.h"
#include "filterd/verdict.h"

/* Longer than all deadlines together: what hangs beyond it (a gpg that never ends) takes its worker
 * down by SIGALRM, and the MTA still has the message. */
#define STUCK_SECONDS 400

struct way {
    struct service *service;
    struct hop *hop;
    const struct arrival *arrival;
    struct message *message;
    struct tokens *tokens;
    bool encrypted; /* came encrypted: passed on as it is */
};

static struct verdict *judge(struct way *w, const struct recipient *r, enum handling handling)
{
    const struct listener *l = w->arrival->envelope->listener;
    if (handling == HANDLE_FOREIGN || (l && l->role == ROLE_SUBMISSION))
        return verdict_none();
    const struct verdict_basis basis = {w->tokens, w->arrival->evidence, w->arrival->envelope,
                                        w->message};
    return verdict_new(w->service, recipient_judges(w->service, r), &basis);
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
    struct sealed *sealed = seal_message(w->service->sealer, w->message, added, r->users, &error);
    if (!sealed)
        log_warn("sealing failed, tempfailed: %s", error ? error : "no reason given");
    g_free(error);
    return sealed;
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
    *quarantine = (struct recipient){s->quarantine, "", NULL};
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

static struct outcome deliver(struct way *w, struct recipient *r, struct treatment *t,
                              struct report *report)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct recipient quarantine = {0};
    struct verdict *v = judge(w, r, t->handling);
    struct recipient *to = addressee(w, r, &quarantine, v, t);
    report_verdict(report, v, t->fingerprint, w->arrival->evidence);
    if (!ends_here(w, v, &o)) {
        verdict_record(v, w->service);
        struct sealed *sealed = make_copy(w, to, t->handling, v);
        if (sealed) {
            report->sealed = sealed_mark(sealed);
            o = hop_deliver(w->hop, w->arrival->envelope, to, sealed);
        }
        if (o.result == RES_OK)
            verdict_confirm(v, w->service);
        sealed_free(&sealed);
    }
    if (quarantine.users)
        g_ptr_array_unref(quarantine.users);
    verdict_free(&v);
    return o;
}

static struct outcome serve(struct way *w, struct recipient *r)
{
    struct outcome o;
    struct report report = report_start(w->arrival->envelope, r, w->arrival->raw->len);
    struct treatment t = recipient_treat(w->service, w->arrival->envelope, r);
    if (t.handling == HANDLE_REFUSE)
        o = outcome_of(t.reason);
    else
        o = deliver(w, r, &t, &report);
    report_end(&report, &o);
    treatment_clear(&t);
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
        const struct greylist_triplet t = {e->client_addr, proved, e->sender, r->address};
        wait |= service_greylist(w->service, &t) > 0;
    }
    return wait;
}

/* Whoever is doubtful and still waits is asked to come again: all recipients together, before any
 * has a copy. */
static bool asks_to_come_again(struct way *w, struct outcome *outcomes)
{
    const struct arrival *a = w->arrival;
    if (!may_be_asked(w))
        return false;
    struct verdict *v = judge(w, a->envelope->recipients->pdata[0], HANDLE_SEAL);
    const bool wait = is_doubtful(w, v) && any_is_new(w);
    for (guint i = 0; wait && i < a->envelope->recipients->len; i++) {
        struct report report = report_start(a->envelope, a->envelope->recipients->pdata[i],
                                            a->raw->len);
        outcomes[i] = outcome_of(REASON_GREYLISTED);
        report_verdict(&report, v, NULL, a->evidence);
        report_end(&report, &outcomes[i]);
    }
    verdict_free(&v);
    return wait;
}

static void serve_all(struct way *w, struct outcome *outcomes)
{
    if (asks_to_come_again(w, outcomes))
        return;
    for (guint i = 0; i < w->arrival->envelope->recipients->len; i++)
        outcomes[i] = serve(w, w->arrival->envelope->recipients->pdata[i]);
}

void pipeline_run(struct service *sv, struct hop *hop, const struct arrival *a,
                  struct outcome *outcomes)
{
    struct way w = {.service = sv, .hop = hop, .arrival = a};
    alarm(STUCK_SECONDS);
    limits_forget();
    w.message = message_new((const char *)a->raw->data, a->raw->len);
    headers_drop_forged(w.message, sv->settings);
    w.encrypted = seal_is_encrypted(w.message);
    evidence_finish(a->evidence, w.message, a->bare);
    w.tokens = tokens_new(w.message);
    tokens_add_facts(w.tokens, evidence_facts(a->evidence));
    GPtrArray *texts = headers_anonymize(sv, a->envelope->listener, w.message);
    headers_drop_forged(w.message, sv->settings); /* what a replacement made, too */
    if (texts)
        serve_all(&w, outcomes);
    tokens_free(&w.tokens);
    message_free(&w.message);
    if (texts)
        g_ptr_array_unref(texts);
    alarm(0);
}
