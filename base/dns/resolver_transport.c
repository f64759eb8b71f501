/* Questions to the name servers over UDP and TCP: ids, ports, retries. Called by resolver.c. */
#include "base/dns/resolver_transport.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/dns/dnswire.h"
#include "base/dns/resolver_servers.h"

enum {
    ROUNDS = 2,              /* the second waits twice as long as the first */
    QUESTIONS_A_SOCKET = 32, /* then a new socket gets another port */
    LENGTH_BYTES = 2,        /* in front of a message over TCP (RFC 1035, section 4.2.2) */
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
};

/* A UDP socket connected to one server: the kernel drops packets from any other address. */
struct udp {
    int fd;
    guint server;
    guint asked; /* questions sent so far */
    guint out;   /* questions that may still be answered over it */
};

struct question {
    guint16 id;
    guint8 wire[LENGTH_BYTES + DNSWIRE_QUESTION_BYTES]; /* preceded by its length, for TCP */
    size_t len;                                         /* without those two bytes */
    bool plain;                                         /* without EDNS */
    resolver_transport_fn *fn;
    void *arg;
    gint64 end;    /* microseconds, monotonic: when to give up */
    gint64 due;    /* microseconds: when the current attempt has failed */
    guint attempt; /* the current one, from 0 */
    bool sent;      /* the current attempt was sent */
    bool timed_out; /* some attempt was sent, and was not answered in time */
    struct udp *udp[RESOLVER_SERVERS_MAX]; /* the sockets it was sent over so far */
    int tcp;       /* -1: none */
    GByteArray *got; /* received over TCP, with the length in front */
    bool tcp_sent;
};

struct resolver_transport {
    GArray *servers;
    gint64 timeout_us;
    GHashTable *out;  /* id => struct question* */
    GPtrArray *udp;   /* of struct udp* */
    struct udp *current[RESOLVER_SERVERS_MAX];
    gint64 due; /* microseconds: no question is due earlier */
    GArray *fds;       /* of struct pollfd, of the last wait */
    GArray *tcp_ids;   /* of guint16: ids of the questions whose TCP connections come last in fds */
};

static guint16 random16(void)
{
    guint16 id = 0;
    if (getrandom(&id, sizeof id, 0) != sizeof id)
        id = (guint16)g_random_int();
    return id;
}

/* ---- sockets ---- */

static int connect_to(const struct resolver_transport *t, guint server, int type)
{
    const struct resolver_server *s = &g_array_index(t->servers, struct resolver_server, server);
    const int fd = socket(s->at.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&s->at, s->len) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

static void udp_free(gpointer data)
{
    struct udp *u = data;
    close(u->fd);
    g_free(u);
}

/* The socket for the next question to a server; NULL if none can be made. */
static struct udp *udp_for(struct resolver_transport *t, guint server)
{
    struct udp *u = t->current[server];
    if (u && u->asked < QUESTIONS_A_SOCKET)
        return u;
    const int fd = connect_to(t, server, SOCK_DGRAM);
    if (fd < 0)
        return NULL;
    u = g_new0(struct udp, 1);
    u->fd = fd;
    u->server = server;
    g_ptr_array_add(t->udp, u);
    t->current[server] = u;
    return u;
}

/* Closes sockets that are used up. Call it between two waits only: read_udp may still read from one during a wait. */
static void close_used_up(struct resolver_transport *t)
{
    for (guint i = t->udp->len; i-- > 0;) {
        struct udp *u = t->udp->pdata[i];
        if (u->out || u->asked < QUESTIONS_A_SOCKET)
            continue;
        if (t->current[u->server] == u)
            t->current[u->server] = NULL;
        g_ptr_array_remove_index_fast(t->udp, i);
    }
}

static void close_tcp(struct question *q)
{
    if (q->tcp >= 0)
        close(q->tcp);
    q->tcp = -1;
    g_clear_pointer(&q->got, g_byte_array_unref);
}

/* ---- a question's life ---- */

static void question_free(gpointer data)
{
    struct question *q = data;
    for (guint i = 0; i < RESOLVER_SERVERS_MAX; i++)
        if (q->udp[i])
            q->udp[i]->out--;
    close_tcp(q);
    g_free(q);
}

static guint server_of(const struct resolver_transport *t, const struct question *q)
{
    return q->attempt % t->servers->len;
}

static bool is_last(const struct resolver_transport *t, const struct question *q)
{
    return q->attempt + 1 >= ROUNDS * t->servers->len;
}

static void set_due(struct resolver_transport *t, struct question *q, gint64 due)
{
    q->due = MIN(due, q->end);
    t->due = MIN(t->due, q->due);
}

/* Removes the question from the table before calling fn, which may call resolver_transport_drop. */
static void finish(struct resolver_transport *t, struct question *q, enum transport_end end,
                   const guint8 *data, size_t len)
{
    g_hash_table_steal(t->out, GUINT_TO_POINTER(q->id));
    q->fn(end, data, len, q->arg);
    question_free(q);
}

/* False if the question cannot be sent. A full buffer counts as a packet lost on its way: the next attempt
 * makes up for it. */
static bool send_over(const struct udp *u, const struct question *q)
{
    /* send reports the ICMP error of an earlier packet instead of sending this one: try again once. */
    for (int i = 0; i < 2; i++)
        if (send(u->fd, q->wire + LENGTH_BYTES, q->len, MSG_NOSIGNAL) >= 0 || errno == EAGAIN)
            return true;
        else if (errno != ECONNREFUSED)
            return false;
    return false;
}

/* Makes the current attempt. If it cannot be sent it fails at the next wait, so that fn is never called inside
 * resolver_transport_ask. */
static void send_udp(struct resolver_transport *t, struct question *q)
{
    const gint64 now = g_get_monotonic_time();
    const guint server = server_of(t, q), round = q->attempt / t->servers->len;
    struct udp *u = q->udp[server] ? q->udp[server] : udp_for(t, server);
    if (u && !q->udp[server]) {
        q->udp[server] = u;
        u->out++;
        u->asked++;
    }
    q->sent = u && send_over(u, q);
    /* Of ROUNDS = 2 rounds the first takes a third of the time, the second two thirds; the servers share it. */
    set_due(t, q, q->sent ? now + t->timeout_us * (1 << round) / 3 / t->servers->len : now);
}

/* The current attempt has failed: tries the next server, or ends the question. */
static void fail_attempt(struct resolver_transport *t, struct question *q)
{
    close_tcp(q);
    if (is_last(t, q) || g_get_monotonic_time() >= q->end) {
        finish(t, q, q->timed_out ? TRANSPORT_TIMED_OUT : TRANSPORT_REFUSED, NULL, 0);
        return;
    }
    q->attempt++;
    send_udp(t, q);
}

/* Repeats the question over TCP; if this is not the last attempt, it may use half of the time that is left. */
static void ask_by_tcp(struct resolver_transport *t, struct question *q)
{
    const gint64 now = g_get_monotonic_time();
    q->tcp = connect_to(t, server_of(t, q), SOCK_STREAM);
    q->sent = q->tcp >= 0;
    q->tcp_sent = false;
    q->got = g_byte_array_new();
    set_due(t, q, q->tcp < 0 ? now : is_last(t, q) ? q->end : now + (q->end - now) / 2);
}

/* Takes an answer that matches the question, and decides whether to use it, retry without EDNS or over TCP, or
 * try another server. */
static void take_answer(struct resolver_transport *t, struct question *q, const guint8 *data,
                        size_t len)
{
    const guint rcode = dnswire_rcode(data);
    const bool by_udp = q->tcp < 0;
    const bool elsewhere = rcode == RCODE_SERVFAIL || rcode == RCODE_REFUSED || rcode == RCODE_NOTIMP;
    if ((rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP) && by_udp && !q->plain) {
        q->plain = true;
        q->len = dnswire_without_edns(q->wire + LENGTH_BYTES, q->len);
        send_udp(t, q);
    } else if (by_udp && dnswire_is_cut(data)) {
        ask_by_tcp(t, q);
    } else if (elsewhere && t->servers->len > 1 && !is_last(t, q)) {
        fail_attempt(t, q); /* another server may answer */
    } else {
        finish(t, q, TRANSPORT_ANSWERED, data, len);
    }
}

bool resolver_transport_ask(struct resolver_transport *t, const char *name, guint16 type,
                            resolver_transport_fn *fn, void *arg)
{
    struct question *q;
    guint16 id = random16();
    if (g_hash_table_size(t->out) > G_MAXUINT16)
        return false;
    while (g_hash_table_contains(t->out, GUINT_TO_POINTER(id)))
        id++;
    q = g_new0(struct question, 1);
    q->id = id;
    q->tcp = -1;
    q->fn = fn;
    q->arg = arg;
    q->len = dnswire_question(q->wire + LENGTH_BYTES, name, type, id);
    if (!q->len) {
        g_free(q);
        return false;
    }
    q->end = g_get_monotonic_time() + t->timeout_us;
    g_hash_table_insert(t->out, GUINT_TO_POINTER(id), q);
    send_udp(t, q);
    return true;
}

/* ---- what comes in ---- */

static struct question *question_of(const struct resolver_transport *t, guint id)
{
    return g_hash_table_lookup(t->out, GUINT_TO_POINTER(id));
}

/* ICMP says that the server does not listen or cannot be reached: the attempts sent over this socket have
 * failed. */
static void server_refuses(struct resolver_transport *t, const struct udp *u)
{
    g_autoptr(GList) ids = g_hash_table_get_keys(t->out);
    for (GList *l = ids; l; l = l->next) {
        struct question *q = question_of(t, GPOINTER_TO_UINT(l->data));
        if (q && q->tcp < 0 && q->udp[u->server] == u && server_of(t, q) == u->server)
            fail_attempt(t, q);
    }
}

static void read_udp(struct resolver_transport *t, const struct udp *u)
{
    guint8 data[DNSWIRE_UDP_BYTES];
    ssize_t got;
    while ((got = recv(u->fd, data, sizeof data, MSG_TRUNC)) >= 0) {
        /* A packet longer than the size our question announced (EDNS) counts as truncated. */
        const size_t len = MIN((size_t)got, sizeof data);
        if (len < DNSWIRE_HEADER_BYTES)
            continue;
        struct question *q = question_of(t, dnswire_id(data));
        if (!q || q->tcp >= 0 || q->udp[u->server] != u ||
            !dnswire_is_answer_to(q->wire + LENGTH_BYTES, q->len, data, len))
            continue;
        if ((size_t)got > len)
            ask_by_tcp(t, q);
        else
            take_answer(t, q, data, len);
    }
    if (errno != EAGAIN && errno != EINTR)
        server_refuses(t, u);
}

/* True if the whole answer has been received. */
static bool is_whole(const GByteArray *got)
{
    return got->len >= LENGTH_BYTES &&
           got->len - LENGTH_BYTES >= ((size_t)got->data[0] << 8 | got->data[1]);
}

/* True while the connection may still bring the answer. */
static bool go_on_tcp(struct question *q)
{
    guint8 data[4096];
    ssize_t got;
    if (!q->tcp_sent) {
        q->wire[0] = (guint8)(q->len >> 8);
        q->wire[1] = (guint8)q->len;
        /* A few hundred bytes fit into the empty buffer of a new connection: they are sent whole or not at all. */
        q->tcp_sent = send(q->tcp, q->wire, LENGTH_BYTES + q->len, MSG_NOSIGNAL) ==
                      (ssize_t)(LENGTH_BYTES + q->len);
        return q->tcp_sent;
    }
    while (!is_whole(q->got) && (got = recv(q->tcp, data, sizeof data, 0)) != 0) {
        if (got < 0)
            return errno == EAGAIN || errno == EINTR;
        g_byte_array_append(q->got, data, (guint)got);
    }
    return is_whole(q->got);
}

static void read_tcp(struct resolver_transport *t, struct question *q)
{
    if (!go_on_tcp(q)) {
        fail_attempt(t, q);
        return;
    }
    if (!is_whole(q->got))
        return;
    GByteArray *got = g_byte_array_ref(q->got);
    const guint8 *data = got->data + LENGTH_BYTES;
    const size_t len = (size_t)got->data[0] << 8 | got->data[1];
    if (dnswire_is_answer_to(q->wire + LENGTH_BYTES, q->len, data, len))
        take_answer(t, q, data, len);
    else
        fail_attempt(t, q);
    g_byte_array_unref(got);
}

/* ---- waiting ---- */

static void add_fd(struct resolver_transport *t, int fd, short events)
{
    const struct pollfd p = {.fd = fd, .events = events};
    g_array_append_val(t->fds, p);
}

/* Lists the caller's fd, then the sockets of t->udp in their order, then the connections of t->tcp_ids. */
static void list_fds(struct resolver_transport *t, int fd)
{
    GHashTableIter i;
    gpointer value;
    g_array_set_size(t->fds, 0);
    g_array_set_size(t->tcp_ids, 0);
    add_fd(t, fd, POLLIN);
    for (guint n = 0; n < t->udp->len; n++)
        add_fd(t, ((const struct udp *)t->udp->pdata[n])->fd, POLLIN);
    g_hash_table_iter_init(&i, t->out);
    while (g_hash_table_iter_next(&i, NULL, &value)) {
        const struct question *q = value;
        if (q->tcp < 0)
            continue;
        add_fd(t, q->tcp, q->tcp_sent ? POLLIN : POLLOUT);
        g_array_append_val(t->tcp_ids, q->id);
    }
}

static void read_all(struct resolver_transport *t, guint udp)
{
    const struct pollfd *p = &g_array_index(t->fds, struct pollfd, 1);
    for (guint n = 0; n < udp; n++)
        if (p[n].revents)
            read_udp(t, t->udp->pdata[n]);
    for (guint n = 0; n < t->tcp_ids->len; n++) {
        struct question *q = question_of(t, g_array_index(t->tcp_ids, guint16, n));
        if (q && p[udp + n].revents && q->tcp == p[udp + n].fd)
            read_tcp(t, q);
    }
}

/* Fails the attempts whose time is up, and finds when the next one is due. */
static void look_at_clock(struct resolver_transport *t)
{
    const gint64 now = g_get_monotonic_time();
    if (now < t->due)
        return;
    g_autoptr(GList) ids = g_hash_table_get_keys(t->out);
    t->due = G_MAXINT64;
    for (GList *l = ids; l; l = l->next) {
        struct question *q = question_of(t, GPOINTER_TO_UINT(l->data));
        if (q && q->due <= now) {
            q->timed_out |= q->sent;
            fail_attempt(t, q);
        } else if (q) {
            t->due = MIN(t->due, q->due);
        }
    }
}

bool resolver_transport_wait(struct resolver_transport *t, int fd, int ms)
{
    gint64 wait = ms;
    close_used_up(t);
    if (g_hash_table_size(t->out))
        wait = CLAMP((t->due - g_get_monotonic_time() + 999) / 1000, 0, ms < 0 ? G_MAXINT : ms);
    list_fds(t, fd);
    const guint udp = t->udp->len;
    const int got = poll((struct pollfd *)t->fds->data, t->fds->len, (int)wait);
    const bool readable = got > 0 && g_array_index(t->fds, struct pollfd, 0).revents;
    if (got > 0)
        read_all(t, udp);
    look_at_clock(t);
    return readable;
}

/* ---- all of it ---- */

struct resolver_transport *resolver_transport_new(GArray *servers, gint64 timeout_us)
{
    struct resolver_transport *t = g_new0(struct resolver_transport, 1);
    t->servers = servers;
    t->timeout_us = timeout_us;
    t->due = G_MAXINT64;
    t->out = g_hash_table_new_full(NULL, NULL, NULL, question_free);
    t->udp = g_ptr_array_new_with_free_func(udp_free);
    t->fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    t->tcp_ids = g_array_new(FALSE, FALSE, sizeof(guint16));
    return t;
}

void resolver_transport_free(struct resolver_transport **t)
{
    if (!*t)
        return;
    g_hash_table_unref((*t)->out);
    g_ptr_array_unref((*t)->udp);
    g_array_unref((*t)->servers);
    g_array_unref((*t)->fds);
    g_array_unref((*t)->tcp_ids);
    g_clear_pointer(t, g_free);
}

void resolver_transport_drop(struct resolver_transport *t)
{
    g_hash_table_remove_all(t->out);
}

guint resolver_transport_out(const struct resolver_transport *t)
{
    return g_hash_table_size(t->out);
}
