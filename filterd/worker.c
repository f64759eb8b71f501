/* A worker's loop: accept a connection, serve its session, wait for the next. Called by children.c after fork. */
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

#include "base/sandbox/sandbox_policy.h"
#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "filterd/delivery/delivery_agent.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/pipeline/context.h"
#include "filterd/session/milter_session.h"
#include "filterd/session/policy_session.h"
#include "filterd/session/session.h"
#include "filterd/session/learn_session.h"
#include "filterd/sockets.h"
#include "gpg/seal.h"

/* A worker ends after this many sessions, and with it what libraries leaked or a bug left behind. */
#define SESSIONS_PER_WORKER 500
/* CPU seconds for everything but messages; the pipeline sets a limit for each of these. */
#define TALK_CPU_SECONDS 20
/* The C library returns larger blocks to the kernel when they are freed. By its own default it would raise this
 * threshold, and keep as much memory as the largest message took, in every worker. */
#define MMAP_BYTES (128 * 1024)

static volatile int wake, shed;    /* enum session_wake */
static volatile sig_atomic_t leave; /* SESSION_LEAVE or SESSION_STOP: accept no more connections */
static const struct worker_env *own_place;

/* The master is gone: finish the message under way, but stop listening, as the next master could not bind.
 * shutdown works for all workers, who share the sockets; a unix socket's path has been replaced by then. */
static void stop_listening(const struct worker_env *env)
{
    for (size_t i = 0; i < env->settings->listener_count; i++)
        shutdown(env->listen_fds[i], SHUT_RDWR);
    if (env->learn_fd >= 0)
        shutdown(env->learn_fd, SHUT_RDWR);
    if (env->milter_fd >= 0)
        shutdown(env->milter_fd, SHUT_RDWR);
}

/* The signals are blocked in each other: what a session was told stays unless this one presses more. */
static void on_signal(int sig)
{
    const int told = sig == SIGTERM ? SESSION_STOP : sig == SIGHUP ? SESSION_LEAVE : SESSION_ROOM;
    wake = MAX(wake, told);
    if (sig == SIGUSR2)
        shed = SESSION_ROOM;
    if (told == SESSION_ROOM)
        return;
    leave = MAX(leave, told);
    if (sig == SIGTERM && getppid() != own_place->master)
        stop_listening(own_place);
}

/* Wakes the master only if it has to fork at once: it looks at the scoreboard now and then anyway. */
static void set_state(const struct worker_env *env, enum slot_state state)
{
    scoreboard_set(env->slot, state);
    if (state == SLOT_IDLE || scoreboard_shown(env->scoreboard, SLOT_IDLE) >= SCOREBOARD_SPARE)
        return;
    if (write(env->wake_fd, "", 1) < 0)
        return; /* the pipe is full: the master looks anyway */
}

struct visit {
    const struct worker_env *env;
    const struct context *context;
};

/* Inside the sandbox a worker cannot fork another delivery agent: it ends, and the next worker has one. */
static bool delivery_agent_lost(const struct worker_env *env, const struct context *ctx)
{
    return ctx->hops.delivery_agent < 0 && sandbox_policy_has_maildir(env->settings);
}

/* A worker that lost its delivery agent, or left a gpg behind that only its own end can end, takes no more. */
static bool is_spent(const struct worker_env *env, const struct context *ctx)
{
    return delivery_agent_lost(env, ctx) || sealer_left_stray();
}

static void on_rest(enum session_rest rest, void *arg)
{
    static const enum slot_state states[] = {
        [SESSION_WORKING] = SLOT_BUSY, [SESSION_RESTING] = SLOT_RESTING, [SESSION_WAITING] = SLOT_WAITING};
    const struct visit *visit = arg;
    if (is_spent(visit->env, visit->context))
        wake = SESSION_STOP;
    scoreboard_set(visit->env->slot, states[rest]);
    if (rest == SESSION_WORKING)
        sandbox_cpu(TALK_CPU_SECONDS);
}

static bool on_hold(size_t bytes, void *arg)
{
    const struct worker_env *env = ((const struct visit *)arg)->env;
    return scoreboard_hold(env->scoreboard, env->slot, bytes, env->settings->limits.bytes_in_flight);
}

static int64_t on_sealed(void *arg)
{
    return scoreboard_note_sealed(arg);
}

static bool on_refused(void *arg)
{
    return scoreboard_note_refused(arg);
}

static void set_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigfillset(&sa.sa_mask);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What the worker waits for: all listeners, then the sockets of learn sessions and milter processes. */
struct door {
    size_t n;
    struct pollfd *fds;
    int epoll; /* of the same descriptors; -1: not available */
    size_t learn; /* the index of that of learn sessions */
};

/* EPOLLEXCLUSIVE wakes one worker per connection, always the first that waits: it stays warm, the others small. */
static struct door door_open(const struct worker_env *env)
{
    const size_t listeners = env->settings->listener_count;
    struct door d = {.n = listeners + 2, .epoll = epoll_create1(EPOLL_CLOEXEC), .learn = listeners};
    d.fds = g_new0(struct pollfd, d.n);
    for (size_t i = 0; i < d.n; i++) {
        const int fd = i < listeners    ? env->listen_fds[i]
                       : i == listeners ? env->learn_fd
                                        : env->milter_fd;
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

/* Learn sessions beyond their share wait in the socket's queue. Whoever ends one looks there next; the others look now
 * and then. */
static void door_mind_learners(struct door *d, const struct worker_env *env)
{
    const int shown = d->fds[d->learn].fd;
    const int fd = scoreboard_learns_enough(env->scoreboard, env->settings->workers) ? -1 : env->learn_fd;
    struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = d->learn};
    if (fd == shown)
        return;
    d->fds[d->learn].fd = fd;
    if (d->epoll >= 0 && epoll_ctl(d->epoll, fd >= 0 ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, env->learn_fd, &e)) {
        close(d->epoll);
        d->epoll = -1;
    }
}

/* Returns the index of a socket with a connection; -1: none for now. A worker that was woken and ended without
 * accepting has taken a wake-up from the others: so after a while each looks with poll. */
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

/* Accepts the next connection; -1: told to end. */
static int next_client(struct door *door, const struct worker_env *env, struct context *ctx, size_t *index_r)
{
    while (!leave) {
        door_mind_learners(door, env);
        /* The timeout covers a signal that comes just before the wait. A worker told to end accepts no more, so
         * that after a reload new connections get the new settings. */
        const ssize_t i = door_wait(door, 1000);
        if (i < 0)
            next_hop_let_go_idle(&ctx->hops);
        if (i < 0 && !leave)
            scoreboard_idle_still(env->slot);
        if (i < 0 || leave)
            continue;
        if ((size_t)i == door->learn) /* before others look */
            scoreboard_learns(env->slot, true);
        const int fd = accept4(door->fds[i].fd, NULL, NULL, SOCK_CLOEXEC);
        *index_r = (size_t)i;
        if (fd >= 0)
            return fd;
        scoreboard_learns(env->slot, false);
    }
    return -1;
}

static void run_session(const struct worker_env *env, struct context *ctx, int fd, size_t index)
{
    struct visit visit = {env, ctx};
    struct session_env session = {
        .context = ctx,
        .listener = &env->settings->listeners[index],
        .trusted = sockets_trusted(fd, env->settings->trusted_networks),
        .wake = &wake,
        .shed = &shed,
        .resting = on_rest,
        .hold = on_hold,
        .arg = &visit,
    };
    wake = shed = SESSION_GO;
    if (leave) /* only then: the handler may have set it just now */
        wake = leave;
    if (session.listener->protocol == PROTO_POLICY)
        policy_session_run(fd, &session);
    else
        session_run(fd, &session);
}

static void run_milter(const struct worker_env *env, struct context *ctx, int fd)
{
    struct visit visit = {env, ctx};
    milter_session_run(fd, &(struct milter_session_env){ctx, on_hold, &visit});
}

static void serve(const struct worker_env *env, struct context *ctx, int fd, size_t index)
{
    set_state(env, SLOT_BUSY);
    sandbox_cpu(TALK_CPU_SECONDS);
    context_mend(ctx);
    const size_t listeners = env->settings->listener_count;
    if (index >= listeners || env->settings->listeners[index].protocol == PROTO_POLICY)
        next_hop_let_go(&ctx->hops, 0); /* these sessions use no next hop, for an unknown time */
    if (index < listeners)
        run_session(env, ctx, fd, index);
    else if (index > listeners)
        run_milter(env, ctx, fd);
    else
        learn_session_run(fd, &(struct learn_session_env){ctx, env->key, on_sealed, on_refused, env->scoreboard});
    close(fd);
    scoreboard_learns(env->slot, false);
    set_state(env, leave ? SLOT_LEAVING : SLOT_IDLE);
}

int worker_run(const struct worker_env *env)
{
    const struct settings *s = env->settings;
    size_t index;
    int fd;
    own_place = env;
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    set_signals();
    prctl(PR_SET_NAME, "filterd-worker");
    int delivery_agent = delivery_agent_start(s, env->key);
    /* Privileges end here: everything above is set-up, everything below may handle mail. */
    if (!sandbox_policy_close(s, SANDBOX_WORKER))
        return EX_TEMPFAIL;
    struct context *ctx =
        context_new(s, env->key, &(struct context_doors){delivery_agent, env->spf_door, env->state, true});
    ctx->hops.keeps = true;
    struct door door = door_open(env);
    set_state(env, SLOT_IDLE);
    for (int n = 0; n < SESSIONS_PER_WORKER && !is_spent(env, ctx) &&
                    (fd = next_client(&door, env, ctx, &index)) >= 0; n++)
        serve(env, ctx, fd, index);
    scoreboard_set(env->slot, SLOT_LEAVING);
    door_close(&door);
    next_hop_let_go(&ctx->hops, 0);
    const bool lost = is_spent(env, ctx);
    if (ctx->hops.delivery_agent >= 0)
        close(ctx->hops.delivery_agent);
    context_free(&ctx);
    return lost ? EX_TEMPFAIL : EX_OK;
}
