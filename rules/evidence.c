/* Runs all checks on one message and collects their results. Called by sessions, the pipeline and greylisting. */
#include "rules/evidence.h"

#include <poll.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/dns/resolver.h"
#include "base/log.h"
#include "base/mail/message.h"
#include "base/network.h"
#include "rules/auth/authres.h"
#include "rules/auth/dkim.h"
#include "rules/auth/dkim_signature.h"
#include "rules/auth/dmarc.h"
#include "rules/auth/dmarc_record.h"
#include "rules/auth/spf_helper.h"
#include "rules/clamav.h"
#include "rules/dnsbl.h"
#include "rules/dnsbl_list.h"
#include "rules/findings.h"
#include "rules/hits.h"
#include "rules/message_checks.h"
#include "rules/rules.h"

/* Longer than clamd's own limits allow a scan to take. */
#define SCAN_MS 30000

struct evidence {
    struct rules *rules;
    const struct envelope *held;  /* envelope not checked yet; NULL: checked */
    GPtrArray *hits;
    char **facts;                 /* NULL until evidence_finish */
    struct dnsbl_check *lists;    /* NULL: not queried */
    struct spf_question question; /* owns its strings */
    bool submitted; /* by one of our users, who proves nothing to us by DKIM and DMARC */
    bool outside; /* is_from_outside */
    bool spf_asked, spf_known, header_seen, timed_out;
    struct spf_result spf;
    struct dkim_check *dkim;
    const GArray *signatures; /* DKIM's results; NULL: not checked */
    struct dmarc_check *dmarc_check;
    struct dmarc_result dmarc;
    bool dmarc_known;
    char virus[128]; /* "" if none */
    gint64 deadline; /* G_MAXINT64: only the settings' time limits apply */
};

/* Mail of our own users is not judged by its client: it comes through a listener that is not inbound, or from
 * trusted_networks. */
static bool is_from_outside(const struct evidence *ev, const struct envelope *e)
{
    return e->client_addr && (!e->listener || e->listener->role == ROLE_INBOUND) &&
           !network_contains(ev->rules->settings->trusted_networks, e->client_addr);
}

static void ask_lists(struct evidence *ev, const struct envelope *e)
{
    const char *at = e->sender ? strrchr(e->sender, '@') : NULL;
    ev->lists = dnsbl_check_new(ev->rules->dnsbl, ev->rules->resolver, ev->hits);
    dnsbl_check_address(ev->lists, e->client_addr);
    if (e->client_helo)
        dnsbl_check_domain(ev->lists, DNSBL_HELO, e->client_helo);
    if (e->client_name)
        dnsbl_check_domain(ev->lists, DNSBL_PTR, e->client_name);
    if (at)
        dnsbl_check_domain(ev->lists, DNSBL_SENDER, at + 1);
}

static void ask_spf(struct evidence *ev, const struct envelope *e)
{
    ev->question = (struct spf_question){g_strdup(e->client_addr),
                                         g_strdup(e->client_helo ? e->client_helo : ""),
                                         g_strdup(e->sender ? e->sender : "")};
    ev->spf_asked = true;
    ev->spf_known = !spf_helper_ask(ev->rules->spf, &ev->question);
    if (ev->spf_known)
        ev->spf.code = SPF_CODE_TEMPERROR;
}

struct evidence *evidence_hold(struct rules *r, const struct envelope *e)
{
    struct evidence *ev = g_new0(struct evidence, 1);
    ev->rules = r;
    ev->deadline = G_MAXINT64;
    ev->held = e;
    ev->submitted = e->listener && e->listener->role == ROLE_SUBMISSION;
    ev->hits = hits_new();
    return ev;
}

static void check_envelope(struct evidence *ev)
{
    const struct envelope *e = g_steal_pointer(&ev->held);
    if (!e)
        return;
    message_checks_envelope(ev->hits, e);
    ev->outside = is_from_outside(ev, e);
    if (!ev->outside)
        return;
    if (ev->rules->dnsbl)
        ask_lists(ev, e);
    if (ev->rules->spf)
        ask_spf(ev, e);
}

struct evidence *evidence_start(struct rules *r, const struct envelope *e)
{
    struct evidence *ev = evidence_hold(r, e);
    check_envelope(ev);
    return ev;
}

void evidence_free(struct evidence **evidence)
{
    struct evidence *ev = *evidence;
    if (!ev)
        return;
    dnsbl_check_free(&ev->lists);
    dkim_check_free(&ev->dkim);
    dmarc_check_free(&ev->dmarc_check);
    g_ptr_array_unref(ev->hits);
    g_strfreev(ev->facts);
    g_free((char *)ev->question.address);
    g_free((char *)ev->question.helo);
    g_free((char *)ev->question.sender);
    g_clear_pointer(evidence, g_free);
}

bool evidence_wait(struct evidence *ev, int fd, int timeout_ms)
{
    struct pollfd p = {fd, POLLIN, 0};
    if (ev->rules->resolver)
        return resolver_pump(ev->rules->resolver, fd, timeout_ms);
    return poll(&p, 1, timeout_ms) > 0;
}

void evidence_header(struct evidence *ev, const char *header, size_t len)
{
    const struct rules *r = ev->rules;
    check_envelope(ev);
    if (ev->header_seen)
        return;
    ev->header_seen = true;
    if (ev->submitted)
        return;
    if (r->dkim)
        ev->dkim = dkim_check_new(r->dkim, r->resolver, header, len);
    if (r->settings->dmarc && r->resolver)
        ev->dmarc_check = dmarc_check_new(r->resolver, header, len, r->settings->domains);
}

void evidence_set_deadline(struct evidence *ev, gint64 deadline)
{
    ev->deadline = deadline;
}

static gint64 end_of(const struct evidence *ev, int ms)
{
    return MIN(g_get_monotonic_time() + (gint64)ms * 1000, ev->deadline);
}

static gint64 answers_end(const struct evidence *ev)
{
    return end_of(ev, ev->rules->settings->dns_timeout_ms);
}

/* Waits for SPF and all DNS answers, at most until end. */
static void wait_for_answers(struct evidence *ev, gint64 end)
{
    for (;;) {
        const bool wants_spf = ev->spf_asked && !ev->spf_known;
        const int fd = wants_spf ? spf_helper_fd(ev->rules->spf) : -1;
        const gint64 left = (end - g_get_monotonic_time()) / 1000;
        const guint open = ev->rules->resolver ? resolver_outstanding(ev->rules->resolver) : 0;
        if (!wants_spf && open == 0)
            return;
        if (left <= 0)
            break;
        if (evidence_wait(ev, fd, (int)left) && wants_spf)
            ev->spf_known = spf_helper_take(ev->rules->spf, &ev->spf);
    }
    ev->timed_out = true;
    if (ev->spf_asked && !ev->spf_known) {
        ev->spf = spf_helper_give_up(ev->rules->spf);
        ev->spf_known = true;
    }
}

static double spf_weight(enum spf_code code)
{
    switch (code) {
    case SPF_CODE_FAIL:
        return findings_weight(FINDING_SPF_FAIL);
    case SPF_CODE_SOFTFAIL:
        return findings_weight(FINDING_SPF_SOFTFAIL);
    case SPF_CODE_PERMERROR:
        return findings_weight(FINDING_SPF_PERMERROR);
    default:
        return 0;
    }
}

static void weigh_spf(struct evidence *ev)
{
    g_autofree char *name = g_strdup_printf("spf:%s", spf_code_word(ev->spf.code));
    hits_add(ev->hits, name, spf_weight(ev->spf.code), ev->spf.reason);
}

static void weigh_dkim(struct evidence *ev)
{
    if (ev->signatures->len == 0)
        hits_add(ev->hits, "dkim:none", 0, "it is not signed");
    for (guint i = 0; i < ev->signatures->len; i++) {
        const struct dkim_signature *s = &g_array_index(ev->signatures, struct dkim_signature, i);
        g_autofree char *name = s->code == DKIM_CODE_PASS
                         ? g_strdup_printf("dkim:pass:%s", s->domain)
                         : g_strdup_printf("dkim:%s", dkim_word(s->code));
        hits_add(ev->hits, name, 0, s->reason);
    }
}

static void weigh_dmarc(struct evidence *ev)
{
    static const enum finding failed[] = {[DMARC_POLICY_NONE] = FINDING_DMARC_FAIL_NONE,
                                          [DMARC_POLICY_QUARANTINE] = FINDING_DMARC_FAIL_QUARANTINE,
                                          [DMARC_POLICY_REJECT] = FINDING_DMARC_FAIL_REJECT};
    const bool fail = ev->dmarc.code == DMARC_CODE_FAIL;
    g_autofree char *name = g_strdup_printf("dmarc:%s%s%s", dmarc_word(ev->dmarc.code), fail ? ":" : "",
                                 fail ? dmarc_policy_word(ev->dmarc.policy) : "");
    const double weight = fail ? findings_weight(failed[ev->dmarc.policy]) : 0;
    hits_add(ev->hits, name, weight, ev->dmarc.reason);
    /* All say that the sender may be forged: together they weigh no more than a certain forgery. */
    double most = findings_weight(FINDING_DMARC_FAIL_REJECT) - weight;
    const bool found[] = {ev->dmarc.uncertain, ev->dmarc.borrows};
    static const enum finding seen[] = {FINDING_FROM_UNCERTAIN, FINDING_FROM_BORROWS};
    for (size_t i = 0; i < G_N_ELEMENTS(seen); i++) {
        const double one = MIN(findings_weight(seen[i]), most);
        if (!found[i] || !ev->outside)
            continue;
        hits_add(ev->hits, findings_name(seen[i]), one, findings_reason(seen[i]));
        most -= one;
    }
}

static void await_until(struct evidence *ev, gint64 end)
{
    wait_for_answers(ev, end);
    ev->timed_out |= ev->rules->resolver && resolver_is_down(ev->rules->resolver);
    if (ev->spf_asked)
        weigh_spf(ev);
}

void evidence_await(struct evidence *ev)
{
    await_until(ev, answers_end(ev));
}

static void verify(struct evidence *ev, const struct message *m, gint64 end)
{
    if (ev->dkim) {
        ev->signatures = dkim_check_finish(ev->dkim, m);
        weigh_dkim(ev);
    }
    if (ev->dmarc_check) {
        const struct spf_result *spf = ev->spf_asked ? &ev->spf : NULL;
        if (dmarc_check_ask(ev->dmarc_check, spf, ev->signatures))
            wait_for_answers(ev, end);
        ev->dmarc = dmarc_check_finish(ev->dmarc_check, spf, ev->signatures);
        ev->dmarc_known = true;
        weigh_dmarc(ev);
    }
}

static void header_of(struct evidence *ev, const struct message *m)
{
    if (m->header_count == 0)
        evidence_header(ev, "", 0);
    else
        evidence_header(ev, m->headers[0].start, (size_t)(m->body - m->headers[0].start));
}

/* Has clamd scan the message while name servers answer. A failed scan is logged and does not delay the mail. */
static void scan(struct evidence *ev, const struct message *m)
{
    const char *socket = ev->rules->settings->clamav.path;
    char said[128] = "";
    if (!socket)
        return;
    const gint64 left_ms = (end_of(ev, SCAN_MS) - g_get_monotonic_time()) / 1000;
    const enum clamav_answer answer = clamav_scan(socket, m->raw, m->len, (int)MAX(left_ms, 1), said);
    if (answer == CLAMAV_ERROR)
        log_warn("clamd: %s; not scanned", said);
    if (answer != CLAMAV_FOUND)
        return;
    g_strlcpy(ev->virus, said, sizeof ev->virus);
    g_autofree char *name = g_strdup_printf("virus:%s", said);
    hits_add(ev->hits, name, findings_weight(FINDING_VIRUS),
             findings_reason(FINDING_VIRUS));
}

static void take_link(const char *host, void *arg)
{
    dnsbl_check_domain(arg, DNSBL_URI, host);
}

void evidence_finish(struct evidence *ev, const struct reading *r, bool bare)
{
    const struct message *m = r->message;
    header_of(ev, m);
    if (ev->lists)
        reading_each_host(r, take_link, ev->lists);
    scan(ev, m);
    const gint64 end = answers_end(ev);
    await_until(ev, end);
    message_checks_message(ev->hits, m, bare);
    verify(ev, m, end);
    g_strfreev(ev->facts);
    ev->facts = hits_facts(ev->hits);
}

const char *const *evidence_facts(const struct evidence *ev)
{
    return (const char *const *)ev->facts;
}

const struct spf_result *evidence_spf(const struct evidence *ev)
{
    return &ev->spf;
}

const GPtrArray *evidence_hits(const struct evidence *ev)
{
    return ev->hits;
}

static const char *dkim_summary(const struct evidence *ev)
{
    const char *word = "none";
    for (guint i = 0; ev->signatures && i < ev->signatures->len; i++) {
        const struct dkim_signature *s = &g_array_index(ev->signatures, struct dkim_signature, i);
        if (i == 0 || s->code == DKIM_CODE_PASS)
            word = dkim_word(s->code);
    }
    return ev->signatures ? word : "-";
}

char *evidence_summary(const struct evidence *ev)
{
    g_autofree char *lists = ev->lists ? dnsbl_check_summary(ev->lists) : g_strdup("-");
    char *summary = g_strdup_printf(
        "dnsbl=%s spf=%s dkim=%s dmarc=%s dns=%s", *lists ? lists : "none",
        ev->spf_asked ? spf_code_word(ev->spf.code) : "-", dkim_summary(ev),
        ev->dmarc_known ? dmarc_word(ev->dmarc.code) : "-", ev->timed_out ? "timeout" : "ok");
    return summary;
}

void evidence_header_lines(const struct evidence *ev, struct bytes *out)
{
    const struct authres a = {
        .authserv_id = ev->rules->settings->hostname,
        .spf = ev->spf_asked ? &ev->spf : NULL,
        .asked = &ev->question,
        .dkim = ev->signatures,
        .dmarc = ev->dmarc_known ? &ev->dmarc : NULL,
    };
    if (a.spf || a.dkim || a.dmarc)
        authres_header(out, &a);
    if (ev->rules->settings->spf_received)
        authres_received_spf(out, &a);
}

const char *evidence_virus(const struct evidence *ev)
{
    return ev->virus[0] ? ev->virus : NULL;
}

const char *evidence_proved_domain(const struct evidence *ev)
{
    const bool proved = ev->dmarc_known && ev->dmarc.code == DMARC_CODE_PASS && !ev->dmarc.testing &&
                        !ev->dmarc.borrows;
    return proved ? ev->dmarc.domain : NULL;
}

bool evidence_proves(const struct evidence *ev, const char *domain)
{
    const char *proved = evidence_proved_domain(ev);
    if (proved && g_ascii_strcasecmp(proved, domain) == 0)
        return true;
    if (ev->spf_asked && ev->spf.code == SPF_CODE_PASS && g_ascii_strcasecmp(ev->spf.domain, domain) == 0)
        return true;
    for (guint i = 0; ev->signatures && i < ev->signatures->len; i++) {
        const struct dkim_signature *s = &g_array_index(ev->signatures, struct dkim_signature, i);
        if (s->code == DKIM_CODE_PASS && !s->testing && g_ascii_strcasecmp(s->domain, domain) == 0)
            return true;
    }
    return false;
}
