/* Looks up DMARC records and evaluates alignment. Called by evidence.c and filterctl lookup. */
#include "rules/auth/dmarc.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/dns/dns_answer.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "rules/auth/dkim_signature.h"
#include "rules/auth/dmarc_from.h"
#include "rules/auth/dmarc_record.h"

/* The DMARC lookup at one domain. */
struct place {
    bool asked, answered;
    enum dns_status status;
    guint records; /* TXT records that begin with v=DMARC1 */
    bool usable;
    struct dmarc_record record; /* valid if usable */
};

struct dmarc_check {
    struct resolver *resolver;
    char from[256];        /* the From domain; "" if From has not exactly one */
    char *registered;      /* its organizational domain; NULL if from has none */
    const char *wrong;     /* what is wrong with From; NULL if nothing */
    struct place own, org; /* lookups at from, and at registered if that is a different domain */
    guint draw;            /* 0 to 99, compared with pct= */
};

const char *dmarc_word(enum dmarc_code code)
{
    static const char *const words[] = {"none", "pass", "fail", "temperror", "permerror"};
    return words[code];
}

static void take_answer(const struct dns_answer *answer, void *arg)
{
    struct place *p = arg;
    p->answered = true;
    p->status = answer->status;
    for (guint i = 0; i < answer->records->len; i++) {
        const struct dns_record *r = answer->records->pdata[i];
        if (!r->text || !dmarc_record_is(r->text, r->len))
            continue;
        p->records++;
        p->usable = dmarc_record_parse(r->text, r->len, &p->record);
    }
}

static void ask_for_record(struct dmarc_check *c, struct place *p, const char *domain)
{
    g_autofree char *name = g_strdup_printf("_dmarc.%s", domain);
    p->asked = true;
    resolver_ask(c->resolver, name, DNS_TXT, take_answer, p);
}

/* Derived from the message, so that each delivery attempt gets the same number: retrying does not help. */
static guint draw_of(const struct header *headers, size_t count)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize len = sizeof digest;
    for (size_t i = 0; i < count; i++)
        if (header_is(&headers[i], "From") || header_is(&headers[i], "Date") ||
            header_is(&headers[i], "Message-ID"))
            g_checksum_update(sum, (const guchar *)headers[i].value, (gssize)headers[i].value_len);
    g_checksum_get_digest(sum, digest, &len);
    g_checksum_free(sum);
    return ((guint)digest[0] << 16 | (guint)digest[1] << 8 | digest[2]) % 100;
}

static void read_from(struct dmarc_check *c, const struct header *headers, size_t count)
{
    const struct header *from = NULL;
    c->wrong = "no From";
    for (size_t i = 0; i < count; i++) {
        if (!header_is(&headers[i], "From"))
            continue;
        if (from) {
            c->wrong = "more than one From";
            return;
        }
        from = &headers[i];
    }
    if (from && dmarc_from_domain(from->value, from->value_len, c->from, &c->wrong))
        c->wrong = NULL;
}

struct dmarc_check *dmarc_check_new(struct resolver *r, const char *header, size_t len)
{
    struct dmarc_check *c = g_new0(struct dmarc_check, 1);
    size_t count;
    g_autofree struct header *headers = message_scan_headers(header, len, NULL, &count);
    c->resolver = r;
    read_from(c, headers, count);
    c->draw = draw_of(headers, count);
    if (c->wrong)
        return c;
    c->registered = dmarc_registered_domain(c->from);
    ask_for_record(c, &c->own, c->from);
    if (c->registered && strcmp(c->registered, c->from) != 0)
        ask_for_record(c, &c->org, c->registered);
    return c;
}

void dmarc_check_free(struct dmarc_check **c)
{
    if (!*c)
        return;
    resolver_forget((*c)->resolver, &(*c)->own);
    resolver_forget((*c)->resolver, &(*c)->org);
    g_free((*c)->registered);
    g_clear_pointer(c, g_free);
}

/* ---- identifier alignment (RFC 7489 section 3.1) ---- */

static bool is_aligned(const struct dmarc_check *c, const char *domain, bool strict)
{
    if (g_ascii_strcasecmp(c->from, domain) == 0)
        return true;
    g_autofree char *other = strict || !c->registered ? NULL : dmarc_registered_domain(domain);
    bool same = other && strcmp(other, c->registered) == 0;
    return same;
}

struct proofs {
    bool pass, unsure; /* unsure: an aligned identifier had a temporary error */
    char by[96];
};

static void weigh_spf(const struct dmarc_check *c, const struct dmarc_record *r,
                      const struct spf_result *spf, struct proofs *p)
{
    if (!spf || !is_aligned(c, spf->domain, r->strict_spf))
        return;
    if (spf->code == SPF_CODE_PASS) {
        p->pass = true;
        g_snprintf(p->by, sizeof p->by, "SPF of %s", spf->domain);
    }
    p->unsure = p->unsure || spf->code == SPF_CODE_TEMPERROR;
}

static void weigh_dkim(const struct dmarc_check *c, const struct dmarc_record *r,
                       const GArray *signatures, struct proofs *p)
{
    for (guint i = 0; signatures && i < signatures->len; i++) {
        const struct dkim_signature *s = &g_array_index(signatures, struct dkim_signature, i);
        if (!is_aligned(c, s->domain, r->strict_dkim))
            continue;
        if (s->code == DKIM_CODE_PASS) {
            p->pass = true;
            g_snprintf(p->by, sizeof p->by, "DKIM of %s", s->domain);
        }
        p->unsure = p->unsure || s->code == DKIM_CODE_TEMPERROR;
    }
}

/* ---- verdict ---- */

static struct dmarc_result result(const struct dmarc_check *c, enum dmarc_code code,
                                  const char *reason)
{
    struct dmarc_result r = {.code = code};
    g_strlcpy(r.domain, c->from, sizeof r.domain);
    g_strlcpy(r.reason, reason, sizeof r.reason);
    return r;
}

/* Applies pct=: messages that are not sampled get the next milder policy (RFC 7489 section 6.6.4). */
static enum dmarc_policy sampled(const struct dmarc_check *c, const struct dmarc_record *r,
                                 bool subdomain)
{
    enum dmarc_policy policy = subdomain ? r->subdomain : r->policy;
    if (policy == DMARC_POLICY_NONE || c->draw < (guint)r->percent)
        return policy;
    return policy == DMARC_POLICY_REJECT ? DMARC_POLICY_QUARANTINE : DMARC_POLICY_NONE;
}

static struct dmarc_result evaluate(const struct dmarc_check *c, const struct place *at,
                                    const struct spf_result *spf, const GArray *signatures)
{
    struct proofs p = {.pass = false};
    weigh_spf(c, &at->record, spf, &p);
    weigh_dkim(c, &at->record, signatures, &p);
    struct dmarc_result r;
    if (p.pass)
        r = result(c, DMARC_CODE_PASS, p.by);
    else if (p.unsure)
        r = result(c, DMARC_CODE_TEMPERROR, "a proof could not be looked up");
    else if (!spf || !signatures)
        r = result(c, DMARC_CODE_NONE, spf ? "DKIM was not checked" : "SPF was not checked");
    else
        r = result(c, DMARC_CODE_FAIL, "neither SPF nor DKIM proves this domain");
    r.policy = sampled(c, &at->record, at == &c->org);
    return r;
}

/* The lookup whose record applies (RFC 7489 section 6.6.3); NULL if neither domain has one. The From domain's
 * own comes first and ends the search, even if it has several records or an invalid one. */
static const struct place *policy_place(const struct dmarc_check *c)
{
    if (c->own.status == DNS_TEMP || c->own.records || !c->own.answered)
        return &c->own;
    return c->org.asked ? &c->org : NULL;
}

struct dmarc_result dmarc_check_finish(struct dmarc_check *c, const struct spf_result *spf,
                                       const GArray *signatures)
{
    if (c->wrong)
        return result(c, DMARC_CODE_PERMERROR, c->wrong);
    const struct place *at = policy_place(c);
    if (at && (!at->answered || at->status == DNS_TEMP))
        return result(c, DMARC_CODE_TEMPERROR, "no answer for the policy");
    if (!at || !at->records)
        return result(c, DMARC_CODE_NONE, "no policy");
    if (at->records > 1)
        return result(c, DMARC_CODE_NONE, "more than one policy");
    if (!at->usable)
        return result(c, DMARC_CODE_NONE, "a policy that means nothing");
    return evaluate(c, at, spf, signatures);
}
