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
struct lookup {
    bool asked, answered;
    enum dns_status status;
    guint records; /* TXT records that begin with v=DMARC1 */
    bool usable;
    struct dmarc_record record; /* valid if usable */
};

/* A domain that mail readers may see in From. */
struct author {
    char *domain;
    char *registered;      /* its organizational domain; NULL if it has none */
    struct lookup own, org; /* lookups at domain, and at registered if that is a different domain */
};

/* More unproved domains than ASKED count as p=reject; more than AUTHORS are not even compared. */
enum { ASKED = 3, AUTHORS = 16 };

struct dmarc_check {
    struct resolver *resolver;
    struct author authors[AUTHORS]; /* without one that is there already; own ones first, then in order */
    guint count;                    /* of them */
    bool many;                      /* there were more, or not all were looked at */
    bool uncertain, borrows;        /* as in the result */
    const char *wrong;              /* why From has not exactly one address; NULL if it has */
    guint draw;                     /* 0 to 99, compared with pct= */
};

const char *dmarc_word(enum dmarc_code code)
{
    static const char *const words[] = {"none", "pass", "fail", "temperror", "permerror"};
    return words[code];
}

static void take_answer(const struct dns_answer *answer, void *arg)
{
    struct lookup *p = arg;
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

static void ask_for_record(struct dmarc_check *c, struct lookup *p, const char *domain)
{
    g_autofree char *name = g_strdup_printf("_dmarc.%s", domain);
    p->asked = true;
    resolver_ask(c->resolver, name, DNS_TXT, take_answer, p);
}

static void ask_author(struct dmarc_check *c, struct author *a)
{
    ask_for_record(c, &a->own, a->domain);
    if (a->registered && strcmp(a->registered, a->domain) != 0)
        ask_for_record(c, &a->org, a->registered);
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

static bool is_own(const char *domain, char *const *own)
{
    for (; own && *own; own++) {
        const size_t n = strlen(*own), len = strlen(domain);
        if (n <= len && !g_ascii_strcasecmp(domain + len - n, *own) && (n == len || domain[len - n - 1] == '.'))
            return true;
    }
    return false;
}

static bool any_is_own(const GPtrArray *addresses, char *const *own)
{
    for (guint i = 0; i < addresses->len; i++)
        if (is_own(strrchr(addresses->pdata[i], '@') + 1, own))
            return true;
    return false;
}

bool dmarc_from_borrows(const struct dmarc_from *from, char *const *own)
{
    return any_is_own(from->named, own) && !any_is_own(from->addresses, own);
}

static void add_author(struct dmarc_check *c, const char *domain)
{
    for (guint i = 0; i < c->count; i++)
        if (strcmp(c->authors[i].domain, domain) == 0)
            return;
    if (c->count == AUTHORS) {
        c->many = true;
        return;
    }
    c->authors[c->count++] = (struct author){.domain = g_strdup(domain),
                                             .registered = dmarc_registered_domain(domain)};
}

/* An own domain is the one most worth forging, and readers show the first address. */
static void read_from(struct dmarc_check *c, const struct dmarc_from *from, char *const *own)
{
    c->wrong = from->wrong;
    c->uncertain = !from->certain;
    c->borrows = dmarc_from_borrows(from, own);
    c->many = from->beyond;
    if (!c->wrong) {
        add_author(c, from->domain);
        return;
    }
    for (int first = 1; first >= 0; first--)
        for (guint i = 0; i < from->addresses->len; i++) {
            const char *domain = strrchr(from->addresses->pdata[i], '@') + 1;
            if (is_own(domain, own) == first)
                add_author(c, domain);
        }
}

struct dmarc_check *dmarc_check_new(struct resolver *r, const char *header, size_t len, char *const *own)
{
    struct dmarc_check *c = g_new0(struct dmarc_check, 1);
    size_t count;
    g_autofree struct header *headers = message_scan_headers(header, len, NULL, &count);
    struct dmarc_from *from = dmarc_from_read(headers, count);
    c->resolver = r;
    c->draw = draw_of(headers, count);
    read_from(c, from, own);
    dmarc_from_free(&from);
    if (!c->wrong)
        ask_author(c, &c->authors[0]);
    return c;
}

void dmarc_check_free(struct dmarc_check **c)
{
    if (!*c)
        return;
    for (guint i = 0; i < (*c)->count; i++) {
        struct author *a = &(*c)->authors[i];
        resolver_forget((*c)->resolver, &a->own);
        resolver_forget((*c)->resolver, &a->org);
        g_free(a->domain);
        g_free(a->registered);
    }
    g_clear_pointer(c, g_free);
}

/* ---- identifier alignment (RFC 7489 section 3.1) ---- */

static bool is_aligned(const struct author *a, const char *domain, bool strict)
{
    if (g_ascii_strcasecmp(a->domain, domain) == 0)
        return true;
    g_autofree char *other = strict || !a->registered ? NULL : dmarc_registered_domain(domain);
    bool same = other && strcmp(other, a->registered) == 0;
    return same;
}

/* What SPF and DKIM said; NULL: not checked. */
struct known {
    const struct spf_result *spf;
    const GArray *signatures;
};

struct proofs {
    bool pass;   /* testing: and only a key for testing says so */
    bool testing, unsure; /* unsure: an aligned identifier had a temporary error */
    char by[96];
};

static void weigh_spf(const struct author *a, bool strict, const struct spf_result *spf, struct proofs *p)
{
    if (!spf || !is_aligned(a, spf->domain, strict))
        return;
    if (spf->code == SPF_CODE_PASS) {
        p->pass = true;
        g_snprintf(p->by, sizeof p->by, "SPF of %s", spf->domain);
    }
    p->unsure = p->unsure || spf->code == SPF_CODE_TEMPERROR;
}

static void weigh_dkim(const struct author *a, bool strict, const GArray *signatures, struct proofs *p)
{
    for (guint i = 0; signatures && i < signatures->len; i++) {
        const struct dkim_signature *s = &g_array_index(signatures, struct dkim_signature, i);
        if (!is_aligned(a, s->domain, strict))
            continue;
        if (s->code == DKIM_CODE_PASS && (!p->pass || !s->testing)) {
            p->testing = s->testing;
            p->pass = true;
            g_snprintf(p->by, sizeof p->by, "DKIM of %s%s", s->domain, s->testing ? ", for testing" : "");
        }
        p->unsure = p->unsure || s->code == DKIM_CODE_TEMPERROR;
    }
}

/* r: the author's record, NULL if it is not known: alignment is relaxed then. */
static struct proofs proofs_of(const struct author *a, const struct dmarc_record *r, const struct known *k)
{
    struct proofs p = {.pass = false};
    weigh_spf(a, r && r->strict_spf, k->spf, &p);
    weigh_dkim(a, r && r->strict_dkim, k->signatures, &p);
    return p;
}

/* ---- verdict ---- */

static struct dmarc_result result(const struct dmarc_check *c, enum dmarc_code code,
                                  const char *reason)
{
    struct dmarc_result r = {.code = code, .uncertain = c->uncertain, .borrows = c->borrows};
    g_strlcpy(r.domain, c->wrong ? "" : c->authors[0].domain, sizeof r.domain);
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

static struct dmarc_result evaluate(const struct dmarc_check *c, const struct lookup *at, const struct known *k)
{
    const struct proofs p = proofs_of(&c->authors[0], &at->record, k);
    struct dmarc_result r;
    if (p.pass)
        r = result(c, DMARC_CODE_PASS, p.by);
    else if (p.unsure)
        r = result(c, DMARC_CODE_TEMPERROR, "a proof could not be looked up");
    else if (!k->spf || !k->signatures)
        r = result(c, DMARC_CODE_NONE, k->spf ? "DKIM was not checked" : "SPF was not checked");
    else
        r = result(c, DMARC_CODE_FAIL, "neither SPF nor DKIM proves this domain");
    r.policy = sampled(c, &at->record, at == &c->authors[0].org);
    r.testing = p.testing;
    return r;
}

/* The lookup whose record applies (RFC 7489 section 6.6.3); NULL if neither domain has one. The From domain's
 * own comes first and ends the search, even if it has several records or an invalid one. */
static const struct lookup *policy_lookup(const struct author *a)
{
    if (a->own.status == DNS_TEMP || a->own.records || !a->own.answered)
        return &a->own;
    return a->org.asked ? &a->org : NULL;
}

static struct dmarc_result judge_one(const struct dmarc_check *c, const struct known *k)
{
    const struct lookup *at = policy_lookup(&c->authors[0]);
    if (at && (!at->answered || at->status == DNS_TEMP))
        return result(c, DMARC_CODE_TEMPERROR, "no answer for the policy");
    if (!at || !at->records)
        return result(c, DMARC_CODE_NONE, "no policy");
    if (at->records > 1)
        return result(c, DMARC_CODE_NONE, "more than one policy");
    if (!at->usable)
        return result(c, DMARC_CODE_NONE, "a policy that means nothing");
    return evaluate(c, at, k);
}

/* ---- no address, or more than one ---- */

bool dmarc_check_ask(struct dmarc_check *c, const struct spf_result *spf, const GArray *signatures)
{
    guint asked = 0;
    for (guint i = 0; c->wrong && spf && signatures && i < c->count && asked < ASKED; i++) {
        const struct proofs p = proofs_of(&c->authors[i], NULL, &(struct known){spf, signatures});
        if (p.pass)
            continue;
        ask_author(c, &c->authors[i]);
        asked++;
    }
    return asked;
}

/* What one unproved domain adds to the result for all. */
static void take_author(const struct dmarc_check *c, const struct author *a, struct dmarc_result *r)
{
    const struct lookup *at = policy_lookup(a);
    if (at && (!at->answered || at->status == DNS_TEMP)) {
        if (r->code == DMARC_CODE_PERMERROR)
            r->code = DMARC_CODE_TEMPERROR;
        return;
    }
    if (!at || at->records != 1 || !at->usable)
        return;
    const enum dmarc_policy policy = sampled(c, &at->record, at == &a->org);
    if (r->code == DMARC_CODE_FAIL && policy <= r->policy)
        return;
    r->code = DMARC_CODE_FAIL;
    r->policy = policy;
    g_strlcpy(r->domain, a->domain, sizeof r->domain);
}

static struct dmarc_result judge_all(const struct dmarc_check *c, const struct known *k)
{
    struct dmarc_result r = result(c, DMARC_CODE_PERMERROR, c->wrong);
    guint unproved = 0;
    for (guint i = 0; k->spf && k->signatures && i < c->count; i++) {
        const struct author *a = &c->authors[i];
        const struct proofs p = proofs_of(a, NULL, k);
        unproved += !p.pass && !p.unsure;
        if (p.unsure && !p.pass && r.code == DMARC_CODE_PERMERROR)
            r.code = DMARC_CODE_TEMPERROR;
        else if (!p.pass && !p.unsure && a->own.asked)
            take_author(c, a, &r);
    }
    if (r.code == DMARC_CODE_FAIL)
        g_snprintf(r.reason, sizeof r.reason, "%s; nothing proves %s", c->wrong, r.domain);
    if (k->spf && k->signatures && (unproved > ASKED || c->many)) {
        r.code = DMARC_CODE_FAIL;
        r.policy = DMARC_POLICY_REJECT;
        g_snprintf(r.reason, sizeof r.reason, "%s; nothing proves many of its domains", c->wrong);
    }
    return r;
}

struct dmarc_result dmarc_check_finish(struct dmarc_check *c, const struct spf_result *spf,
                                       const GArray *signatures)
{
    const struct known k = {spf, signatures};
    return c->wrong ? judge_all(c, &k) : judge_one(c, &k);
}
