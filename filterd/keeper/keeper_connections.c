/* Accepts, serves and drops the keeper's clients. Called by keeper_process.c. */
#include "filterd/keeper/keeper_connections.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/frame_stream.h"
#include "base/log.h"
#include "base/rate.h"
#include "filterd/keeper/keeper_role.h"

/* The largest request of an administrator is a batch of training, that of a worker a long record or many
 * digests, that of a mail user a login and a signature. */
enum { ADMINISTRATOR_BYTES = 64 * 1024 * 1024, WORKER_BYTES = 512 * 1024, OTHER_BYTES = 16 * 1024 };
/* Clients are local: one that leaves half a frame, or an answer, lying for so long is dropped. */
#define STALLED_US (5 * G_USEC_PER_SEC)
/* Connections of one uid at the control socket: many filterd-retrain run at once. */
#define UID_CONNECTIONS 128
/* Beside one for each worker: for filterd-pipe, and for those who connect anew after a reload. */
#define SPARE_CONNECTIONS 64
#define CLIENTS_A_TURN 64

struct connection {
    const struct keeper_service *service;
    int fd;
    enum peer_door door;
    struct peer peer;
    struct frame_stream *stream;
    gint64 moved; /* monotonic microseconds: when it connected, or bytes went either way */
};

struct keeper_connections {
    struct keeper_doors doors;
    struct keeper_service service;
    GPtrArray *all; /* of struct connection */
    GArray *polled; /* of struct pollfd */
    struct rate refused;
    bool ready; /* the last wait found something */
};

static void free_connection(gpointer data)
{
    struct connection *c = data;
    if (c->service->gone)
        c->service->gone(c->fd, c->service->arg);
    frame_stream_free(&c->stream);
    close(c->fd);
    g_free(c);
}

struct keeper_connections *keeper_connections_new(const struct keeper_doors *doors,
                                                  const struct keeper_service *service)
{
    struct keeper_connections *k = g_new0(struct keeper_connections, 1);
    k->doors = *doors;
    k->service = *service;
    k->all = g_ptr_array_new_with_free_func(free_connection);
    k->polled = g_array_new(FALSE, TRUE, sizeof(struct pollfd));
    return k;
}

void keeper_connections_free(struct keeper_connections **k)
{
    (*k)->service.gone = NULL;
    g_ptr_array_unref((*k)->all);
    g_array_unref((*k)->polled);
    g_clear_pointer(k, g_free);
}

/* ---- who gets in ---- */

/* At most a line a minute: any local user may connect as often as they like. */
static void note_refused(struct keeper_connections *k, uid_t uid)
{
    static const struct rate_limit a_minute = {1, 1.0 / 60};
    const guint64 others = k->refused.over;
    if (!rate_take(&k->refused, &a_minute, 1, g_get_monotonic_time()))
        return;
    k->refused.over = 0;
    log_warn("control socket: a peer without rights (uid %ld; see train_users) turned away, and %" G_GUINT64_FORMAT
             " before it that were not logged", (long)uid, others);
}

/* Who shares one limit: at the workers' door everybody, at the control socket those of one uid. */
static bool competes(const struct connection *c, const struct connection *fresh)
{
    return c->door == fresh->door && (c->door == PEER_AT_WORKERS || c->peer.uid == fresh->peer.uid);
}

/* The connection that has been silent longest, of those that share a limit with fresh, or of all (NULL). */
static struct connection *silent_one(const struct keeper_connections *k, const struct connection *fresh,
                                     guint *count_r)
{
    struct connection *silent = NULL;
    *count_r = 0;
    for (guint i = 0; i < k->all->len; i++) {
        struct connection *c = k->all->pdata[i];
        if (fresh && !competes(c, fresh))
            continue;
        ++*count_r;
        if (!silent || c->moved < silent->moved)
            silent = c;
    }
    return silent;
}

/* Makes room by dropping a silent connection: who asks gets an answer, however many have connected and say
 * nothing. */
static void add_connection(struct keeper_connections *k, struct connection *fresh)
{
    guint count;
    struct connection *silent = silent_one(k, fresh, &count);
    if (count >= (fresh->door == PEER_AT_WORKERS ? k->service.worker_count + SPARE_CONNECTIONS : UID_CONNECTIONS))
        g_ptr_array_remove_fast(k->all, silent);
    g_ptr_array_add(k->all, fresh);
}

/* False: nobody else waits there. */
static bool take_client(struct keeper_connections *k, int listen_fd, enum peer_door door)
{
    guint count;
    const int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct connection *silent = fd < 0 && (errno == EMFILE || errno == ENFILE) ? silent_one(k, NULL, &count) : NULL;
    if (silent)
        g_ptr_array_remove_fast(k->all, silent);
    if (fd < 0)
        return false;
    const struct peer peer = peer_credentials_of(fd, door);
    if (peer.roles == KEEPER_NOBODY && !peer.may_prove) {
        note_refused(k, peer.uid);
        close(fd);
        return true;
    }
    struct connection *c = g_new0(struct connection, 1);
    *c = (struct connection){&k->service, fd, door, peer, frame_stream_new(fd), g_get_monotonic_time()};
    add_connection(k, c);
    return true;
}

static void take_clients(struct keeper_connections *k, int listen_fd, enum peer_door door)
{
    for (int i = 0; i < CLIENTS_A_TURN && take_client(k, listen_fd, door); i++)
        ;
}

/* ---- requests ---- */

static size_t limit_of(const struct peer *p)
{
    if (p->roles & KEEPER_ADMINISTRATOR)
        return ADMINISTRATOR_BYTES;
    return p->roles & KEEPER_WORKER ? WORKER_BYTES : OTHER_BYTES;
}

static void take_proof(const struct keeper_connections *k, struct peer *p, int descriptor)
{
    if (p->may_prove && peer_credentials_proves(descriptor, k->service.lock_fd))
        p->roles |= KEEPER_ADMINISTRATOR;
    if (p->roles & KEEPER_WORKER && peer_credentials_is_importer(descriptor, k->doors.importer))
        p->roles = KEEPER_IMPORTER;
    close(descriptor);
}

/* False: the client is gone or broke the protocol. */
static bool read_request(const struct keeper_connections *k, struct connection *c)
{
    int passed;
    const enum frame_stream_end end = frame_stream_read(c->stream, limit_of(&c->peer), &passed);
    if (passed >= 0)
        take_proof(k, &c->peer, passed);
    if (end != FRAME_STREAM_WHOLE)
        return end == FRAME_STREAM_MORE;
    g_autoptr(GVariant) request = frame_stream_take(c->stream, FRAME_REQUEST);
    return request && frame_stream_send(c->stream, k->service.answer(request, &c->peer, c->fd, k->service.arg));
}

/* True if there was a request. An answer that the client does not read is lost. */
static bool answer_next(const struct keeper_connections *k, struct connection *c)
{
    int passed;
    const enum frame_stream_end end = frame_stream_read(c->stream, limit_of(&c->peer), &passed);
    if (passed >= 0)
        take_proof(k, &c->peer, passed);
    g_autoptr(GVariant) request = end == FRAME_STREAM_WHOLE ? frame_stream_take(c->stream, FRAME_REQUEST) : NULL;
    if (request)
        frame_stream_send(c->stream, k->service.answer(request, &c->peer, c->fd, k->service.arg));
    return request;
}

/* The client will not hear the answers. */
static void serve_gone(const struct keeper_connections *k, struct connection *c)
{
    int passed;
    while (frame_stream_read(c->stream, limit_of(&c->peer), &passed) == FRAME_STREAM_WHOLE) {
        if (passed >= 0)
            take_proof(k, &c->peer, passed);
        g_autoptr(GVariant) request = frame_stream_take(c->stream, FRAME_REQUEST);
        if (request)
            g_variant_unref(g_variant_ref_sink(k->service.answer(request, &c->peer, c->fd, k->service.arg)));
    }
    if (passed >= 0)
        close(passed);
}

void keeper_connections_finish(struct keeper_connections *k)
{
    /* What lies in the socket can still be read, and nothing is added. */
    for (guint i = 0; i < k->all->len; i++)
        shutdown(((struct connection *)k->all->pdata[i])->fd, SHUT_RD);
    for (guint i = 0; i < k->all->len; i++)
        while (answer_next(k, k->all->pdata[i]))
            ;
}

static bool serve(const struct keeper_connections *k, struct connection *c)
{
    c->moved = g_get_monotonic_time();
    return frame_stream_is_sending(c->stream) ? frame_stream_flush(c->stream) : read_request(k, c);
}

static bool is_stalled(const struct connection *c)
{
    return (frame_stream_is_partial(c->stream) || frame_stream_is_sending(c->stream)) &&
           g_get_monotonic_time() - c->moved > STALLED_US;
}

/* ---- a turn ---- */

static void note_poll(struct keeper_connections *k, int fd, short events)
{
    const struct pollfd p = {fd, events, 0};
    g_array_append_val(k->polled, p);
}

/* The first two are the doors, then all connections in their order. */
static void list_polled(struct keeper_connections *k)
{
    g_array_set_size(k->polled, 0);
    note_poll(k, k->doors.control, POLLIN);
    note_poll(k, k->doors.workers, POLLIN);
    for (guint i = 0; i < k->all->len; i++) {
        const struct connection *c = k->all->pdata[i];
        note_poll(k, c->fd, frame_stream_is_sending(c->stream) ? POLLOUT : POLLIN);
    }
}

bool keeper_connections_wait(struct keeper_connections *k, int timeout_ms)
{
    list_polled(k);
    k->ready = poll((struct pollfd *)k->polled->data, k->polled->len, timeout_ms) > 0;
    return k->ready;
}

bool keeper_connections_have_worker(const struct keeper_connections *k)
{
    for (guint i = 0; i < k->all->len; i++)
        if (((const struct connection *)k->all->pdata[i])->door == PEER_AT_WORKERS)
            return true;
    return false;
}

/* The connections stand in the order in which they were polled. */
static void serve_connections(struct keeper_connections *k, const struct pollfd *fds)
{
    for (guint i = 0; k->ready && i < k->all->len; i++)
        if (fds[i + 2].revents & POLLHUP)
            serve_gone(k, k->all->pdata[i]);
    for (guint i = k->all->len; i-- > 0;) {
        struct connection *c = k->all->pdata[i];
        const short events = k->ready ? fds[i + 2].revents : 0;
        const bool stays = events ? !(events & POLLHUP) && serve(k, c) : !is_stalled(c);
        if (!stays)
            g_ptr_array_remove_index_fast(k->all, i);
    }
}

void keeper_connections_serve(struct keeper_connections *k)
{
    const struct pollfd *fds = (const struct pollfd *)k->polled->data;
    serve_connections(k, fds);
    if (k->ready && fds[0].revents)
        take_clients(k, k->doors.control, PEER_AT_CONTROL);
    if (k->ready && fds[1].revents)
        take_clients(k, k->doors.workers, PEER_AT_WORKERS);
}
