#include "base/resolver.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/dnswire.h"
#include "base/log.h"
#include "base/resolver_cache.h"
#include "base/resolver_channel.h"

enum {
    TRIES = 2,        /* the second waits twice as long as the first */
    DOWN_SECONDS = 30,
    PROBE_MS = 1000,  /* for the first sign of life of a server that was down */
    TIMEOUT_TTL = 30, /* a name whose servers are dead holds up one message, not all */
    MAX_ALIAS_ROUNDS = 8,
    DEFAULT_TIMEOUT_MS = 5000,
    TYPE_NS = 2,
    RCODE_FORMERR = 1,
};

struct waiter {
    void (*fn)(const struct dns_answer *answer, void *arg);
    void *arg;
};

struct question {
    char *key;  /* type, blank, name in lower case */
    char *name; /* what is asked now: the end of the aliases so far */
    enum dns_type type;
    int rounds;
    guint32 ttl; /* the least of the aliases' */
    GQueue waiters; /* of struct waiter*; empty once all have forgotten */
};

struct resolver {
    ares_channel channel;
    char *host; /* NULL: those of resolv.conf */
    int port;
    gint64 timeout_us;
    struct resolver_cache *cache;
    GHashTable *asked; /* key => struct question* */
    GSList *telling;   /* questions whose waiters are being called */
    guint sent;        /* queries that c-ares has, probes too */
    gint64 heard_at;   /* the last answer, or when there began to be something to answer */
    gint64 probe_at;   /* 0: none is out */
    gint64 down_until; /* 0: it is not down */
    bool was_down;     /* and has not answered since */
    bool lost_edns;    /* c-ares gives EDNS up for good at the first FORMERR */
};

/* One query at c-ares; question NULL: a probe. */
struct query {
    struct resolver *r;
    struct question *question;
};

static gint64 now_us(void)
{
    return g_get_monotonic_time();
}

/* ---- answers ---- */

static void answer_clear(gpointer data)
{
    g_ptr_array_unref(((struct dns_answer *)data)->records);
}

void dns_answer_free(struct dns_answer **a)
{
    if (*a)
        g_rc_box_release_full(*a, answer_clear);
    *a = NULL;
}

/* ---- the channel ---- */

static bool set_server(struct resolver *r)
{
    struct ares_addr_port_node server = {.udp_port = r->port, .tcp_port = r->port};
    if (!r->host)
        return true;
    server.family = strchr(r->host, ':') ? AF_INET6 : AF_INET;
    return inet_pton(server.family, r->host, &server.addr) == 1 &&
           ares_set_servers_ports(r->channel, &server) == ARES_SUCCESS;
}

static int count_servers(struct resolver *r)
{
    struct ares_addr_node *list = NULL;
    int n = 0;
    if (ares_get_servers(r->channel, &list) == ARES_SUCCESS)
        for (const struct ares_addr_node *s = list; s; s = s->next)
            n++;
    ares_free_data(list);
    return MAX(n, 1);
}

static bool open_channel_for(struct resolver *r, int servers)
{
    /* With one server its SERVFAIL is the answer; of several another one may know better. */
    struct ares_options o = {
        .flags = ARES_FLAG_EDNS | (servers == 1 ? ARES_FLAG_NOCHECKRESP : 0),
        .timeout = MAX((int)(r->timeout_us / 1000 / 3 / servers), 1),
        .tries = TRIES,
        .ednspsz = DNSWIRE_UDP_BYTES,
    };
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ;
    r->channel = NULL;
    if (ares_init_options(&r->channel, &o, mask) == ARES_SUCCESS && set_server(r))
        return true;
    if (r->channel)
        ares_destroy(r->channel);
    r->channel = NULL;
    return false;
}

static bool open_channel(struct resolver *r)
{
    const bool ok = open_channel_for(r, 1);
    const int servers = ok ? count_servers(r) : 1;
    if (servers == 1)
        return ok;
    ares_destroy(r->channel);
    return open_channel_for(r, servers);
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
    struct resolver *r = g_new0(struct resolver, 1);
    ares_library_init(ARES_LIB_INIT_ALL); /* counts; only on other systems can it fail */
    r->host = g_strdup(s->dns_server.host);
    r->port = s->dns_server.port ? atoi(s->dns_server.port) : 53;
    r->timeout_us = 1000 * (gint64)(s->dns_timeout_ms > 0 ? s->dns_timeout_ms : DEFAULT_TIMEOUT_MS);
    r->cache = resolver_cache_new();
    r->asked = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, question_free);
    if (!open_channel(r)) {
        *error_r = g_strdup_printf("[dns] server: no resolver for %s",
                                   r->host ? r->host : "the servers of /etc/resolv.conf");
        resolver_free(&r);
    }
    return r;
}

void resolver_free(struct resolver **r)
{
    if (!*r)
        return;
    if ((*r)->channel)
        ares_destroy((*r)->channel);
    ares_library_cleanup();
    g_hash_table_unref((*r)->asked);
    resolver_cache_free(&(*r)->cache);
    g_free((*r)->host);
    g_clear_pointer(r, g_free);
}

/* ---- questions ---- */

/* Calls all who wait, who may ask and forget meanwhile. */
static void tell(struct resolver *r, struct question *q, const struct dns_answer *answer)
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

static void on_answer(void *arg, int status, int timeouts, unsigned char *data, int len);

/* False if it cannot be asked: then there is no such name. */
static bool send_query(struct resolver *r, const char *name, guint16 type, struct question *q)
{
    guint8 wire[DNSWIRE_QUESTION_BYTES];
    guint16 id = 0;
    if (getrandom(&id, sizeof id, 0) != sizeof id)
        id = (guint16)g_random_int();
    const size_t bytes = dnswire_question(wire, name, type, id);
    if (bytes == 0)
        return false;
    struct query *query = g_new(struct query, 1);
    *query = (struct query){r, q};
    if (r->sent++ == 0)
        r->heard_at = now_us();
    ares_send(r->channel, wire, (int)bytes, on_answer, query);
    return true;
}

/* What every server has at hand: whoever does not even answer this is down. */
static void send_probe(struct resolver *r)
{
    r->probe_at = now_us();
    send_query(r, ".", TYPE_NS, NULL);
}

static void heard(struct resolver *r)
{
    r->heard_at = now_us();
    r->probe_at = 0;
    if (r->was_down)
        log_info("dns: the name server answers again");
    r->was_down = false;
}

/* Aliases that lead out of what the server said are followed here; true while one is. */
static bool go_on(struct resolver *r, struct question *q, char *more)
{
    if (!more || q->rounds++ >= MAX_ALIAS_ROUNDS)
        return false;
    g_free(q->name);
    q->name = g_strdup(more);
    return send_query(r, more, q->type, q);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *data, int len)
{
    struct query *query = arg;
    struct resolver *r = query->r;
    struct question *q = query->question;
    g_free(query);
    r->sent--;
    if (status == ARES_ECANCELLED || status == ARES_EDESTRUCTION)
        return;
    const bool answered = status == ARES_SUCCESS && len > 0;
    if (answered)
        heard(r);
    /* Without EDNS, too: so it was not EDNS that c-ares gave up for nothing. */
    r->lost_edns |= answered && len > 3 && (data[3] & 0xf) == RCODE_FORMERR;
    if (!q)
        return;
    g_autofree char *more = NULL;
    struct dns_answer *answer = answered ? dnswire_answer(data, (size_t)len, q->name, q->type, &more)
                                         : dnswire_answer_empty(DNS_TEMP);
    if (!answered && timeouts > 0)
        answer->ttl = TIMEOUT_TTL;
    q->ttl = MIN(q->ttl, answer->ttl);
    if (!go_on(r, q, more)) { /* more without more rounds: a loop, or as good as one */
        answer->status = more ? DNS_TEMP : answer->status;
        answer->ttl = q->ttl;
        resolver_cache_put(r->cache, q->key, answer);
        tell(r, q, answer);
    }
    dns_answer_free(&answer);
}

/* True while questions are answered without asking; after it the first ones go with a probe. */
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
    struct dns_answer *answer = dnswire_answer_empty(status);
    fn(answer, arg);
    dns_answer_free(&answer);
}

/* The question of this key, made if it is not out already. */
static struct question *question_for(struct resolver *r, const char *key, const char *name,
                                     enum dns_type type)
{
    struct question *q = g_hash_table_lookup(r->asked, key);
    if (q)
        return q;
    q = g_new0(struct question, 1);
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
    /* c-ares may fail at once, and q be gone. */
    if (is_new)
        send_query(r, lower, type, q);
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

/* What was asked goes on, and is known when it is asked for again. */
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

/* When the server's silence is to be looked at; -1: never. */
static gint64 next_check(const struct resolver *r)
{
    if (r->probe_at)
        return r->probe_at + probe_limit(r);
    return r->sent ? r->heard_at + r->timeout_us * 2 / 5 : -1;
}

static void go_down(struct resolver *r)
{
    if (!r->was_down)
        log_warn("dns: the name server does not answer: no lookups for %d s", DOWN_SECONDS);
    r->was_down = true;
    r->probe_at = 0;
    r->down_until = now_us() + DOWN_SECONDS * G_USEC_PER_SEC;
    ares_cancel(r->channel);
    g_autoptr(GList) open = g_hash_table_get_values(r->asked);
    struct dns_answer *answer = dnswire_answer_empty(DNS_TEMP);
    for (GList *l = open; l; l = l->next)
        tell(r, l->data, answer);
    dns_answer_free(&answer);
}

/* One slow name is no sign; but if nothing was heard for long, and nothing of the probe either,
 * then nobody is there. */
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

/* Milliseconds to wait until something is due, at most up to then. */
static int wait_ms(struct resolver *r, gint64 end)
{
    struct timeval max = {3600, 0}, due;
    const gint64 now = now_us(), check = r->down_until ? -1 : next_check(r);
    gint64 wait = end < 0 ? (gint64)3600 * G_USEC_PER_SEC : end - now;
    if (r->sent) {
        const struct timeval *t = ares_timeout(r->channel, &max, &due);
        wait = MIN(wait, t->tv_sec * G_USEC_PER_SEC + t->tv_usec);
    }
    if (check >= 0)
        wait = MIN(wait, check - now);
    return wait <= 0 ? 0 : (int)((wait + 999) / 1000);
}

/* With nobody asking, the channel may be changed for one that speaks EDNS again. */
static void renew_channel(struct resolver *r)
{
    ares_channel old = r->channel;
    if (!r->lost_edns || r->sent)
        return;
    r->lost_edns = false;
    if (open_channel(r))
        ares_destroy(old);
    else
        r->channel = old;
}

bool resolver_pump(struct resolver *r, int fd, int timeout_ms)
{
    const gint64 end = timeout_ms < 0 ? -1 : now_us() + timeout_ms * (gint64)1000;
    while (true) {
        renew_channel(r);
        if (fd < 0 && resolver_outstanding(r) == 0)
            return true;
        const bool readable = resolver_channel_wait(r->channel, fd, wait_ms(r, end));
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
    return answer ? answer : dnswire_answer_empty(DNS_TEMP);
}
