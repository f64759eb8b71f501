#include "filterd/worker.h"

#include <errno.h>
#include <glib.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/sandbox/guard.h"
#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "filterd/delivery/courier.h"
#include "filterd/delivery/hop.h"
#include "filterd/pipeline/service.h"
#include "filterd/session/milter_session.h"
#include "filterd/session/policy_session.h"
#include "filterd/session/session.h"
#include "filterd/session/tutor.h"
#include "filterd/sockets.h"

/* What libraries leak, and what a bug may have left behind, ends with the process. */
#define SESSIONS_PER_WORKER 500
/* For all that is no message; the pipeline gives each of these its own. */
#define TALK_CPU_SECONDS 20
/* What is larger than that is given back to the kernel when it is freed: left to itself the C library
 * would keep as much as the largest message ever took, in every worker. */
#define MMAP_BYTES (128 * 1024)

static volatile int wake, shed;
static volatile sig_atomic_t leave;
static const struct worker_place *own_place;

/* Without a master a message under way is finished, but nobody listens any more: the next master
 * could not bind (the sockets are one with those of all other workers; a UNIX one lies elsewhere
 * by then). */
static void stop_listening(const struct worker_place *place)
{
    for (size_t i = 0; i < place->settings->listener_count; i++)
        shutdown(place->listen_fds[i], SHUT_RDWR);
    if (place->tutor_fd >= 0)
        shutdown(place->tutor_fd, SHUT_RDWR);
    if (place->milter_fd >= 0)
        shutdown(place->milter_fd, SHUT_RDWR);
}

static void on_signal(int sig)
{
    wake = SESSION_STOP;
    if (sig == SIGUSR2)
        shed = SESSION_STOP;
    if (sig != SIGTERM)
        return;
    leave = 1;
    if (getppid() != own_place->master)
        stop_listening(own_place);
}

/* The master is woken only where it has something to do at once: it looks at the board now and then
 * by itself. */
static void tell(const struct worker_place *place, enum slot_state state)
{
    board_set(place->slot, state);
    if (state == SLOT_IDLE || board_count(place->board, SLOT_IDLE) >= BOARD_SPARE)
        return;
    if (write(place->wake_fd, "", 1) < 0)
        return; /* full: the master looks anyway */
}

struct visit {
    const struct worker_place *place;
    const struct service *service;
};

/* Behind the sandbox there is no other to be had: the next worker brings its own. */
static bool courier_lost(const struct worker_place *place, const struct service *sv)
{
    return sv->hops.courier < 0 && guard_has_maildir(place->settings);
}

static void on_rest(enum session_rest rest, void *arg)
{
    static const enum slot_state states[] = {
        [SESSION_WORKING] = SLOT_BUSY, [SESSION_RESTING] = SLOT_RESTING, [SESSION_WAITING] = SLOT_WAITING};
    const struct visit *visit = arg;
    if (courier_lost(visit->place, visit->service))
        wake = SESSION_STOP;
    board_set(visit->place->slot, states[rest]);
    if (rest == SESSION_WORKING)
        sandbox_cpu(TALK_CPU_SECONDS);
}

static bool on_hold(size_t bytes, void *arg)
{
    const struct worker_place *place = ((const struct visit *)arg)->place;
    return board_hold(place->board, place->slot, bytes, place->settings->limits.bytes_in_flight);
}

static int64_t on_sealed(void *arg)
{
    return board_note_sealed(arg);
}

static void set_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Who is waited for: all listeners, and behind them lessons and milters' questions. */
struct door {
    size_t n;
    struct pollfd *fds;
    int epoll; /* of the same; -1: none */
};

/* A new connection wakes one worker and not all, and that the one which comes first in the row: what
 * it holds ready, the others need not have. */
static struct door door_open(const struct worker_place *place)
{
    const size_t listeners = place->settings->listener_count;
    struct door d = {.n = listeners + 2, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    d.fds = g_new0(struct pollfd, d.n);
    for (size_t i = 0; i < d.n; i++) {
        const int fd = i < listeners    ? place->listen_fds[i]
                       : i == listeners ? place->tutor_fd
                                        : place->milter_fd;
        struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = i};
        d.fds[i] = (struct pollfd){fd, POLLIN, 0};
        if (fd >= 0 && d.epoll >= 0 && epoll_ctl(d.epoll, EPOLL_CTL_ADD, fd, &e)) {
            close(d.epoll);
            d.epoll = -1;
        }
    }
    return d;
}

static void door_close(struct door *d)
{
    if (d->epoll >= 0)
        close(d->epoll);
    g_clear_pointer(&d->fds, g_free);
}

/* Who knocked, as an index; -1: nobody for the time. One who was woken and left without answering has
 * kept a knock from the others: after a while all look for themselves. */
static ssize_t door_wait(const struct door *d, int ms)
{
    struct epoll_event e;
    const int n = d->epoll >= 0 ? epoll_wait(d->epoll, &e, 1, ms) : 0;
    if (n > 0)
        return (ssize_t)e.data.u64;
    if (n < 0 || poll(d->fds, d->n, d->epoll >= 0 ? 0 : ms) <= 0)
        return -1;
    for (size_t i = 0; i < d->n; i++)
        if (d->fds[i].revents)
            return (ssize_t)i;
    return -1;
}

/* Waits for a connection; -1 when told to leave. */
static int next_client(const struct door *door, struct service *sv, size_t *index_r)
{
    while (!leave) {
        /* The bound covers a signal that comes just before the wait. Who is to leave takes nobody
         * in any more, so that settings are new for all who come after a reload. */
        const ssize_t i = door_wait(door, 1000);
        if (i < 0)
            hop_let_go_idle(&sv->hops);
        if (i < 0 || leave)
            continue;
        const int fd = accept4(door->fds[i].fd, NULL, NULL, SOCK_CLOEXEC);
        *index_r = (size_t)i;
        if (fd >= 0)
            return fd;
    }
    return -1;
}

static void run_session(const struct worker_place *place, struct service *sv, int fd, size_t index)
{
    struct visit visit = {place, sv};
    struct session_place session = {
        .service = sv,
        .listener = &place->settings->listeners[index],
        .trusted = sockets_trusted(fd, place->settings->trusted_networks),
        .wake = &wake,
        .shed = &shed,
        .resting = on_rest,
        .hold = on_hold,
        .arg = &visit,
    };
    wake = leave ? SESSION_STOP : SESSION_GO;
    shed = SESSION_GO;
    if (session.listener->protocol == PROTO_POLICY)
        policy_session_run(fd, &session);
    else
        session_run(fd, &session);
}

static void run_milter(const struct worker_place *place, struct service *sv, int fd)
{
    struct visit visit = {place, sv};
    milter_session_run(fd, &(struct milter_session_place){sv, on_hold, &visit});
}

static void serve(const struct worker_place *place, struct service *sv, int fd, size_t index)
{
    tell(place, SLOT_BUSY);
    sandbox_cpu(TALK_CPU_SECONDS);
    service_mend(sv);
    const size_t listeners = place->settings->listener_count;
    if (index >= listeners || place->settings->listeners[index].protocol == PROTO_POLICY)
        hop_let_go(&sv->hops, 0); /* nothing goes to a next hop now, for however long */
    if (index < listeners)
        run_session(place, sv, fd, index);
    else if (index > listeners)
        run_milter(place, sv, fd);
    else
        tutor_run(fd, &(struct tutor_place){sv, place->key, on_sealed, place->board});
    close(fd);
    tell(place, leave ? SLOT_LEAVING : SLOT_IDLE);
}

int worker_run(const struct worker_place *place)
{
    const struct settings *s = place->settings;
    size_t index;
    int fd;
    own_place = place;
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    set_signals();
    prctl(PR_SET_NAME, "filterd-worker");
    int courier = courier_start(s);
    /* Privileges end here: everything above is set-up, everything below may meet mail. */
    if (!guard_close(s, SANDBOX_WORKER))
        return EX_TEMPFAIL;
    struct service *sv = service_new(s, place->key, &(struct service_doors){courier, place->spf_door});
    sv->hops.keeps = true;
    struct door door = door_open(place);
    tell(place, SLOT_IDLE);
    for (int n = 0; n < SESSIONS_PER_WORKER && !courier_lost(place, sv) &&
                    (fd = next_client(&door, sv, &index)) >= 0; n++)
        serve(place, sv, fd, index);
    board_set(place->slot, SLOT_LEAVING);
    door_close(&door);
    hop_let_go(&sv->hops, 0);
    const bool lost = courier_lost(place, sv);
    if (sv->hops.courier >= 0)
        close(sv->hops.courier);
    service_free(&sv);
    return lost ? EX_TEMPFAIL : EX_OK;
}
