#include "rules/auth/spf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "rules/auth/spf_layer.h"
#include "rules/auth/spf_process.h"

const char *spf_word(enum spf_code code)
{
    static const char *const words[] = {"none", "neutral", "pass", "fail",
                                        "softfail", "temperror", "permerror"};
    return (unsigned)code < G_N_ELEMENTS(words) ? words[code] : "temperror";
}

static bool read_address(const char *text, struct spf_client *c)
{
    struct in6_addr v6;
    if (g_ascii_strncasecmp(text, "IPv6:", 5) == 0)
        text += 5;
    if (inet_pton(AF_INET, text, c->address) == 1)
        return true;
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    /* Section 5: an IPv4-mapped client is an IPv4 client. */
    c->v6 = !IN6_IS_ADDR_V4MAPPED(&v6);
    memcpy(c->address, c->v6 ? v6.s6_addr : v6.s6_addr + 12, c->v6 ? 16 : 4);
    return true;
}

static bool is_loopback(const struct spf_client *c)
{
    static const guint8 loopback[16] = {[15] = 1};
    return c->v6 ? memcmp(c->address, loopback, sizeof loopback) == 0 : c->address[0] == 127;
}

/* Section 4.3: at least two labels of 1 to 63 bytes, and nothing but host names (RFC 1035) with
 * underscores; anything else has no record. */
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

struct identity {
    char *sender, *local, *domain;
};

static char *bare_domain(const char *text)
{
    char *domain = g_ascii_strdown(text, -1);
    size_t len = strlen(domain);
    if (len && domain[len - 1] == '.')
        domain[len - 1] = 0;
    return domain;
}

static struct identity identify(const struct spf_question *q)
{
    struct identity id;
    const char *at = strrchr(q->sender, '@');
    id.domain = bare_domain(!*q->sender ? q->helo : at ? at + 1 : "");
    id.local = at && at > q->sender ? g_strndup(q->sender, (gsize)(at - q->sender))
                                    : g_strdup("postmaster");
    id.sender = g_strconcat(id.local, "@", id.domain, NULL);
    return id;
}

static void clean(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

static void check(struct resolver *r, const struct spf_question *q, const struct spf_process_wait *w,
                  struct spf_result *result)
{
    struct identity id = identify(q);
    struct spf_client c = {.sender = id.sender, .local = id.local, .domain = id.domain,
                           .helo = q->helo};
    result->by_helo = !*q->sender;
    g_strlcpy(result->domain, id.domain, sizeof result->domain);
    const char *none = !read_address(q->address, &c) ? "the client's address is unknown"
                       : is_loopback(&c)             ? "the client is this host"
                       : !is_domain(id.domain)       ? "the domain is none"
                                                     : NULL;
    g_strlcpy(result->reason, none ? none : "", sizeof result->reason);
    if (!none) {
        struct spf_lookup *l = spf_lookup_new(r, w->timeout_ms, w->stop_fd);
        spf_layer_check(l, &c, result);
        spf_lookup_free(&l);
    }
    g_free(id.sender);
    g_free(id.local);
    g_free(id.domain);
    clean(result->domain);
    clean(result->reason);
}

struct spf_result spf_process_check(struct resolver *r, const struct spf_question *q,
                                    const struct spf_process_wait *w)
{
    struct spf_result result = {0};
    check(r, q, w, &result);
    return result;
}

struct spf_result spf_check(struct resolver *r, const struct spf_question *q, int timeout_ms)
{
    struct spf_process_wait w = {timeout_ms, -1};
    return spf_process_check(r, q, &w);
}
