/* Delivers finished copies by LMTP, SMTP, maildir or sendmail. Called by the pipeline and by sessions at RCPT. */
#include "filterd/delivery/next_hop.h"

#include <string.h>

#include "base/address.h"
#include "base/bytes.h"
#include "filterd/delivery/delivery_agent.h"
#include "filterd/delivery/smtp_client.h"

/* Connecting and EHLO cost as much as a delivery, so the connection waits this long for the next session. No
 * longer: it holds a process of the next hop. */
#define KEPT_MS 1000

struct next_hop {
    struct next_hop_pool *pool; /* NULL if taker is set */
    const struct next_hop_address *to;
    struct smtp_client *client; /* for LMTP and SMTP; made when first needed */
    const struct next_hop_taker *taker; /* receives the copies instead of to; NULL: none */
};

struct next_hop *next_hop_new(struct next_hop_pool *pool, const struct next_hop_address *to)
{
    struct next_hop *h = g_new0(struct next_hop, 1);
    h->pool = pool;
    h->to = to;
    return h;
}

static struct smtp_client *client_of(struct next_hop *h)
{
    struct next_hop_pool *pool = h->pool;
    if (h->client || h->taker || (h->to->kind != HOP_LMTP && h->to->kind != HOP_SMTP))
        return h->client;
    next_hop_let_go(pool, 2 * KEPT_MS);
    if (pool->kept && pool->kept_to == h->to) {
        h->client = g_steal_pointer(&pool->kept);
        smtp_client_resume(h->client);
    } else {
        h->client = smtp_client_new(h->to, pool->hostname);
    }
    return h->client;
}

void next_hop_let_go(struct next_hop_pool *pool, int idle_ms)
{
    if (pool->kept && g_get_monotonic_time() - pool->kept_at >= (gint64)idle_ms * 1000)
        smtp_client_free(&pool->kept);
}

void next_hop_let_go_idle(struct next_hop_pool *pool)
{
    next_hop_let_go(pool, KEPT_MS);
}

static void keep(struct next_hop *h)
{
    struct next_hop_pool *pool = h->pool;
    smtp_client_free(&pool->kept);
    pool->kept = g_steal_pointer(&h->client);
    pool->kept_to = h->to;
    pool->kept_at = g_get_monotonic_time();
}

struct next_hop *next_hop_new_taker(const struct next_hop_taker *taker)
{
    struct next_hop *h = g_new0(struct next_hop, 1);
    h->taker = taker;
    return h;
}

void next_hop_free(struct next_hop **h)
{
    if (!*h)
        return;
    if ((*h)->client && (*h)->pool->keeps && smtp_client_may_stay((*h)->client))
        keep(*h);
    smtp_client_free(&(*h)->client);
    g_free(*h);
    *h = NULL;
}

bool next_hop_is_mta(const struct next_hop *h)
{
    return h->taker || h->to->kind == HOP_SMTP;
}

bool next_hop_is_mailbox(const struct next_hop *h)
{
    return !h->taker && h->to->kind == HOP_LMTP;
}

void next_hop_set_deadline(struct next_hop *h, int ms)
{
    if (client_of(h))
        smtp_client_set_deadline(h->client, ms);
}

struct outcome next_hop_ask(struct next_hop *h, const struct envelope *e, const struct recipient *r, int ms)
{
    if (h->taker || h->to->kind != HOP_SMTP)
        return outcome_of(REASON_OK);
    next_hop_set_deadline(h, ms);
    return smtp_client_ask(client_of(h), e, r);
}

guint64 next_hop_size_limit(struct next_hop *h, int ms)
{
    if (h->taker || h->to->kind != HOP_SMTP)
        return 0;
    next_hop_set_deadline(h, ms);
    return smtp_client_size_limit(client_of(h));
}

void next_hop_reset(struct next_hop *h)
{
    if (h->client)
        smtp_client_reset(h->client);
}

/* True if a part of an address is safe as a path component: it cannot leave the folder or be hidden. */
static bool safe_component(const char *s, size_t len)
{
    return len && *s != '.' && !memchr(s, '/', len) && !memchr(s, '%', len);
}

/* Replaces %d and %n with the user's domain and name. NULL if the path would leave the pattern's tree. */
static char *maildir_path(const char *pattern, const char *user)
{
    const char *domain = address_domain(user);
    size_t name_len = *domain ? (size_t)(domain - user) - 1 : strlen(user);
    GString *out = g_string_new(NULL);
    bool ok = safe_component(user, name_len) && (!*domain || safe_component(domain, strlen(domain)));
    for (const char *p = pattern; ok && *p; p++) {
        if (p[0] == '%' && p[1] == 'd')
            g_string_append(out, domain), p++;
        else if (p[0] == '%' && p[1] == 'n')
            g_string_append_len(out, user, (gssize)name_len), p++;
        else
            g_string_append_c(out, *p);
    }
    return g_string_free(out, !ok);
}

static struct outcome deliver_maildir(struct next_hop *h, const struct envelope *e,
                                      const struct recipient *r, const GPtrArray *users,
                                      const struct bytes *message)
{
    const char *const envelope[2] = {e->sender ? e->sender : "", r->address};
    struct outcome o = outcome_of(REASON_NEXT_HOP_DOWN);
    for (guint i = 0; i < users->len; i++) {
        g_autofree char *path = maildir_path(h->to->at.path, users->pdata[i]);
        o = path ? delivery_agent_deliver(&h->pool->delivery_agent, path, envelope, message->data,
                                   message->len)
                 : outcome_of(REASON_UNKNOWN_REJECT);
        if (o.result != RES_OK)
            break;
    }
    return o;
}

struct outcome next_hop_deliver(struct next_hop *h, const struct envelope *e, const struct recipient *r,
                           const GPtrArray *users, const struct sealed *sealed)
{
    const struct bytes *message = sealed_bytes(sealed);
    const char *const envelope[2] = {e->sender ? e->sender : "", r->address};
    if (h->taker)
        return h->taker->take(h->taker->arg, r, sealed);
    switch (h->to->kind) {
    case HOP_LMTP:
    case HOP_SMTP:
        return smtp_client_deliver(client_of(h), e, r, message);
    case HOP_MAILDIR:
        return deliver_maildir(h, e, r, users, message);
    case HOP_SENDMAIL:
        return delivery_agent_deliver(&h->pool->delivery_agent, h->to->at.path, envelope, message->data,
                               message->len);
    default:
        return outcome_of(REASON_UNFORESEEN);
    }
}
