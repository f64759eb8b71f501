/* Joins equal questions, follows aliases across answers, caches, and watches whether the servers are alive.
 * Called by the rules (DNSBL, SPF, DKIM, DMARC) and by the loops that wait for a client. */
#include "base/dns/resolver.h"

#include <string.h>

#include "base/dns/dnswire.h"
#include "base/dns/resolver_cache.h"
#include "base/dns/resolver_servers.h"
#include "base/dns/resolver_transport.h"
#include "base/log.h"

enum {
    DOWN_SECONDS = 30,
    PROBE_MS = 1000,  /* how long a server that was down may take for its first answer */
    TIMEOUT_TTL = 30, /* seconds: a name whose servers are dead delays one message, not each */
    MAX_ALIAS_ROUNDS = 8,
    DEFAULT_TIMEOUT_MS = 5000,
    TYPE_NS = 2,
};

struct waiter {
    void (*fn)(const struct dns_answer *answer, void *arg);
    void *arg;
};

struct question {
    struct resolver *r;
    char *key;  /* type, blank, name in lower case */
    char *name; /* the name asked now: the last alias so far */
    enum dns_type type;
    int rounds;
    guint32 ttl; /* the least TTL of the aliases so far */
    GQueue waiters; /* of struct waiter*; empty if resolver_forget removed all */
};

struct resolver {
    struct resolver_transport *transport;
    gint64 timeout_us;
    struct resolver_cache *cache;
    GHashTable *asked; /* key => struct question* */
    struct question probe; /* tests whether a server is alive; has no waiters */
    GSList *telling;   /* questions whose waiters are being called just now */
    gint64 heard_at;   /* us: the last answer, or the first question after a time without any */
    gint64 probe_at;   /* us; 0: no probe is out */
    gint64 down_until; /* us; 0: the servers are not down */
    bool was_down;     /* no answer has come since they were down */
};

static gint64 now_us(void)
{
    return g_get_monotonic_time();
}

static void question_free(gpointer data)
{
    struct question *q = data;
    g_queue_clear_full(&q->waiters, g_free);
    g_free(q->key);
    g_free(q->name);
    g_free(q);
}

struct resolver *resolver_new(const struct settings *s, char **error_r)
{
    GArray *servers = resolver_servers(s->dns_server.host, s->dns_server.port);
    if (!servers) {
        *error_r = g_strdup_printf("[dns] server: %s is no address", s->dns_server.host);
        return NULL;
    }
    struct resolver *r = g_new0(struct resolver, 1);
    r->timeout_us = 1000 * (gint64)(s->dns_timeout_ms > 0 ? s->dns_timeout_ms : DEFAULT_TIMEOUT_MS);
    r->transport = resolver_transport_new(servers, r->timeout_us);
    r->probe.r = r;
    r->cache = resolver_cache_new();
    r->asked = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, question_free);
    return r;
}

void resolver_free(struct resolver **r)
{
    if (!*r)
        return;
    resolver_transport_free(&(*r)->transport);
    g_hash_table_unref((*r)->asked);
    resolver_cache_free(&(*r)->cache);
    g_clear_pointer(r, g_free);
}

/* ---- questions ---- */

/* Calls the waiters, which may call resolver_ask and resolver_forget meanwhile. */
static void call_waiters(struct resolver *r, struct question *q, const struct dns_answer *answer)
{
    struct waiter *w;
    g_hash_table_steal(r->asked, q->key);
    r->telling = g_slist_prepend(r->telling, q);
    while ((w = g_queue_pop_head(&q->waiters))) {
        w->fn(answer, w->arg);
        g_free(w);
    }
    r->telling = g_slist_remove(r->telling, q);
    question_free(q);
}

static void on_answer(enum transport_end end, const guint8 *data, size_t len, void *arg);

/* False if the question cannot be sent. */
static bool send_query(struct resolver *r, const char *name, guint16 type, struct question *q)
{
    if (resolver_transport_out(r->transport) == 0)
        r->heard_at = now_us();
    return resolver_transport_ask(r->transport, name, type, on_answer, q);
}

/* Asks for the root's NS records, which every server has cached: a server that does not answer this is down. */
static void send_probe(struct resolver *r)
{
    r->probe_at = now_us();
    send_query(r, ".", TYPE_NS, &r->probe);
}

static void heard(struct resolver *r)
{
    r->heard_at = now_us();
    r->probe_at = 0;
    if (r->was_down)
        log_info("dns: the name server answers again");
    r->was_down = false;
}

/* Asks for the target of an alias that the answer did not resolve; true if it did. */
static bool go_on(struct resolver *r, struct question *q, char *more)
{
    if (!more || q->rounds++ >= MAX_ALIAS_ROUNDS)
        return false;
    g_free(q->name);
    q->name = g_strdup(more);
    return send_query(r, more, q->type, q);
}

static void on_answer(enum transport_end end, const guint8 *data, size_t len, void *arg)
{
    struct question *q = arg;
    struct resolver *r = q->r;
    const bool answered = end == TRANSPORT_ANSWERED;
    if (answered)
        heard(r);
    if (q == &r->probe)
        return;
    g_autofree char *more = NULL;
    struct dns_answer *answer = answered ? dnswire_answer(data, len, q->name, q->type, &more)
                                         : dns_answer_new(DNS_TEMP);
    if (end == TRANSPORT_TIMED_OUT)
        answer->ttl = TIMEOUT_TTL;
    q->ttl = MIN(q->ttl, answer->ttl);
    if (!go_on(r, q, more)) { /* still an alias after 8 rounds: a loop, or as good as one */
        answer->status = more ? DNS_TEMP : answer->status;
        answer->ttl = q->ttl;
        resolver_cache_put(r->cache, q->key, answer);
        call_waiters(r, q, answer);
    }
    dns_answer_free(&answer);
}

/* True while the servers are considered down. When that time is over, sends a probe along with the first
 * question. */
static bool is_down_now(struct resolver *r)
{
    if (r->down_until && now_us() >= r->down_until) {
        r->down_until = 0;
        send_probe(r);
    }
    return r->down_until != 0;
}

static void answer_at_once(enum dns_status status,
                           void (*fn)(const struct dns_answer *answer, void *arg), void *arg)
{
    struct dns_answer *answer = dns_answer_new(status);
    fn(answer, arg);
    dns_answer_free(&answer);
}

/* The outstanding question of this key, or a new one. */
static struct question *question_for(struct resolver *r, const char *key, const char *name,
                                     enum dns_type type)
{
    struct question *q = g_hash_table_lookup(r->asked, key);
    if (q)
        return q;
    q = g_new0(struct question, 1);
    q->r = r;
    q->key = g_strdup(key);
    q->name = g_strdup(name);
    q->type = type;
    q->ttl = G_MAXUINT32;
    g_queue_init(&q->waiters);
    g_hash_table_insert(r->asked, q->key, q);
    return q;
}

void resolver_ask(struct resolver *r, const char *name, enum dns_type type,
                  void (*fn)(const struct dns_answer *answer, void *arg), void *arg)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    const size_t len = strlen(lower);
    guint8 wire[DNSWIRE_QUESTION_BYTES];
    if (dnswire_question(wire, lower, type, 0) == 0) {
        answer_at_once(DNS_NONE, fn, arg);
        return;
    }
    if (len > 1 && lower[len - 1] == '.')
        lower[len - 1] = 0;
    g_autofree char *key = g_strdup_printf("%d %s", type, lower);
    struct dns_answer *known = resolver_cache_get(r->cache, key);
    if (known) {
        g_rc_box_acquire(known);
        fn(known, arg);
        dns_answer_free(&known);
        return;
    }
    if (is_down_now(r)) {
        answer_at_once(DNS_TEMP, fn, arg);
        return;
    }
    const bool is_new = !g_hash_table_contains(r->asked, key);
    struct question *q = question_for(r, key, lower, type);
    struct waiter *w = g_new(struct waiter, 1);
    *w = (struct waiter){fn, arg};
    g_queue_push_tail(&q->waiters, w);
    if (is_new && !send_query(r, lower, type, q)) {
        struct dns_answer *none = dns_answer_new(DNS_TEMP);
        call_waiters(r, q, none);
        dns_answer_free(&none);
    }
}

static void forget_in(struct question *q, const void *arg)
{
    for (GList *l = q->waiters.head, *next; l; l = next) {
        struct waiter *w = l->data;
        next = l->next;
        if (w->arg == arg) {
            g_free(w);
            g_queue_delete_link(&q->waiters, l);
        }
    }
}

/* The question itself stays out: its answer goes into the cache. */
void resolver_forget(struct resolver *r, const void *arg)
{
    GHashTableIter i;
    gpointer q;
    g_hash_table_iter_init(&i, r->asked);
    while (g_hash_table_iter_next(&i, NULL, &q))
        forget_in(q, arg);
    for (GSList *l = r->telling; l; l = l->next)
        forget_in(l->data, arg);
}

guint resolver_outstanding(const struct resolver *r)
{
    GHashTableIter i;
    gpointer q;
    guint n = 0;
    g_hash_table_iter_init(&i, r->asked);
    while (g_hash_table_iter_next(&i, NULL, &q))
        n += ((const struct question *)q)->waiters.length > 0;
    return n;
}

bool resolver_is_down(const struct resolver *r)
{
    return r->down_until && now_us() < r->down_until;
}

/* ---- waiting ---- */

static gint64 probe_limit(const struct resolver *r)
{
    const gint64 half = r->timeout_us / 2;
    return r->was_down ? MIN(half, PROBE_MS * 1000) : half;
}

/* When to check the servers' silence, in us; -1: never. */
static gint64 next_check(const struct resolver *r)
{
    if (r->probe_at)
        return r->probe_at + probe_limit(r);
    return resolver_transport_out(r->transport) ? r->heard_at + r->timeout_us * 2 / 5 : -1;
}

static void go_down(struct resolver *r)
{
    if (!r->was_down)
        log_warn("dns: the name server does not answer: no lookups for %d s", DOWN_SECONDS);
    r->was_down = true;
    r->probe_at = 0;
    r->down_until = now_us() + DOWN_SECONDS * G_USEC_PER_SEC;
    resolver_transport_drop(r->transport);
    g_autoptr(GList) open = g_hash_table_get_values(r->asked);
    struct dns_answer *answer = dns_answer_new(DNS_TEMP);
    for (GList *l = open; l; l = l->next)
        call_waiters(r, l->data, answer);
    dns_answer_free(&answer);
}

/* If no answer has come for a while, sends a probe (one slow name proves nothing); if the probe is not answered
 * either, the servers are down. */
static void check_server(struct resolver *r)
{
    const gint64 check = next_check(r);
    if (r->down_until || check < 0 || now_us() < check)
        return;
    if (r->probe_at)
        go_down(r);
    else
        send_probe(r);
}

/* Milliseconds to wait, at most until end (-1: no end). */
static int wait_ms(const struct resolver *r, gint64 end)
{
    const gint64 now = now_us(), check = r->down_until ? -1 : next_check(r);
    gint64 wait = end < 0 ? (gint64)3600 * G_USEC_PER_SEC : end - now;
    if (check >= 0)
        wait = MIN(wait, check - now);
    return wait <= 0 ? 0 : (int)((wait + 999) / 1000);
}

/* Nobody listened since: that no answer was read is no sign of a server that is down. */
static void forget_old_probe(struct resolver *r)
{
    if (r->probe_at && now_us() > r->probe_at + r->timeout_us)
        r->probe_at = 0;
}

bool resolver_pump(struct resolver *r, int fd, int timeout_ms)
{
    const gint64 end = timeout_ms < 0 ? -1 : now_us() + timeout_ms * (gint64)1000;
    forget_old_probe(r);
    while (true) {
        if (fd < 0 && resolver_outstanding(r) == 0)
            return true;
        const bool readable = resolver_transport_wait(r->transport, fd, wait_ms(r, end));
        check_server(r);
        if (readable)
            return true;
        if (end >= 0 && now_us() >= end)
            return fd < 0 && resolver_outstanding(r) == 0;
    }
}

/* ---- one question ---- */

static void keep_answer(const struct dns_answer *answer, void *arg)
{
    struct dns_answer **slot = arg;
    *slot = g_rc_box_acquire((struct dns_answer *)answer);
}

struct dns_answer *resolver_ask_now(struct resolver *r, const char *name, enum dns_type type,
                                    int timeout_ms)
{
    struct dns_answer *answer = NULL;
    const gint64 end = now_us() + timeout_ms * (gint64)1000;
    resolver_ask(r, name, type, keep_answer, &answer);
    while (!answer && now_us() < end)
        resolver_pump(r, -1, (int)((end - now_us() + 999) / 1000));
    resolver_forget(r, &answer);
    return answer ? answer : dns_answer_new(DNS_TEMP);
}
