/* One SPF check, from the question to its result. Called by spf_process.c. */
#include "rules/auth/spf.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "rules/auth/spf_layer.h"
#include "rules/auth/spf_lookup.h"
#include "rules/auth/spf_terms.h"

struct spf_check {
    char *sender, *local, *domain, *helo;
    struct spf_client client; /* its strings point into this struct */
    struct spf_lookup *lookup;
    struct spf_result result; /* what is known before the first lookup */
};

static bool read_address(const char *text, struct spf_client *c)
{
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, c->address) == 1)
        return true;
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    /* RFC 7208 section 5: an IPv4-mapped client counts as an IPv4 client. */
    c->v6 = !IN6_IS_ADDR_V4MAPPED(&v6);
    memcpy(c->address, c->v6 ? v6.s6_addr : v6.s6_addr + 12, c->v6 ? 16 : 4);
    return true;
}

static bool is_loopback(const struct spf_client *c)
{
    static const guint8 loopback[16] = {[15] = 1};
    return c->v6 ? memcmp(c->address, loopback, sizeof loopback) == 0 : c->address[0] == 127;
}

/* RFC 7208 section 4.3: true for two or more labels of 1 to 63 bytes, each a host name label (RFC 1035) that
 * may contain underscores; any other domain has no record. */
static bool is_domain(const char *name)
{
    size_t labels = 0;
    if (strlen(name) > 253)
        return false;
    for (const char *p = name;; p++) {
        size_t len = 0;
        for (; g_ascii_isalnum(*p) || *p == '-' || *p == '_'; p++)
            len++;
        if (!len || len > 63)
            return false;
        labels++;
        if (!*p)
            return labels > 1;
        if (*p != '.')
            return false;
    }
}

static char *bare_domain(const char *text)
{
    char *domain = g_ascii_strdown(text, -1);
    size_t len = strlen(domain);
    if (len && domain[len - 1] == '.')
        domain[len - 1] = 0;
    return domain;
}

static void identify(struct spf_check *c, const struct spf_question *q)
{
    const char *at = strrchr(q->sender, '@');
    c->domain = bare_domain(!*q->sender ? q->helo : at ? at + 1 : "");
    c->local = at && at > q->sender ? g_strndup(q->sender, (gsize)(at - q->sender))
                                    : g_strdup("postmaster");
    c->sender = g_strconcat(c->local, "@", c->domain, NULL);
    c->helo = g_strdup(q->helo);
    c->client = (struct spf_client){
        .sender = c->sender, .local = c->local, .domain = c->domain, .helo = c->helo};
    c->result.by_helo = !*q->sender;
    g_strlcpy(c->result.domain, c->domain, sizeof c->result.domain);
}

/* Why the result is none without any lookup; NULL if lookups are needed. */
static const char *why_none(struct spf_check *c, const struct spf_question *q)
{
    return !read_address(q->address, &c->client) ? "the client's address is unknown"
           : is_loopback(&c->client)             ? "the client is this host"
           : !is_domain(c->domain)               ? "the domain is none"
                                                 : NULL;
}

static void clean(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

struct spf_check *spf_check_new(struct resolver *r, const struct spf_question *q,
                                void (*woken)(void *arg), void *arg)
{
    struct spf_check *c = g_new0(struct spf_check, 1);
    identify(c, q);
    const char *none = why_none(c, q);
    if (none)
        g_strlcpy(c->result.reason, none, sizeof c->result.reason);
    else
        c->lookup = spf_lookup_new(r, woken, arg);
    return c;
}

void spf_check_free(struct spf_check **check)
{
    struct spf_check *c = *check;
    if (!c)
        return;
    spf_lookup_free(&c->lookup);
    g_free(c->sender);
    g_free(c->local);
    g_free(c->domain);
    g_free(c->helo);
    g_clear_pointer(check, g_free);
}

bool spf_check_run(struct spf_check *c, struct spf_result *result_r)
{
    *result_r = c->result;
    if (c->lookup) {
        spf_lookup_begin(c->lookup);
        spf_layer_check(c->lookup, &c->client, result_r);
        if (spf_lookup_is_waiting(c->lookup))
            return false;
    }
    clean(result_r->domain);
    clean(result_r->reason);
    return true;
}

void spf_check_stop(struct spf_check *c)
{
    if (c->lookup)
        spf_lookup_stop(c->lookup);
}
