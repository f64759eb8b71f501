/* Checks SPF for many askers at once. Run in the processes that filterd/spf_pair.c starts, and by spf_helper.c
 * for programs without a daemon. */
#include "rules/auth/spf_process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/dns/resolver.h"
#include "base/log.h"
#include "base/sandbox/sandbox_policy.h"
#include "base/sandbox/sandbox_kind.h"
#include "rules/auth/spf.h"
#include "rules/auth/spf_door.h"
#include "rules/auth/spf_packet.h"
#include "rules/auth/spf_result.h"

enum {
    FIRST_FD = 3,
    ASKERS_MAX = 2048,     /* processes with a line; a daemon has one per worker */
    TAKEN_BACK_MAX = 50,   /* questions that an asker may cancel per second */
    EVENTS = 64,           /* epoll events handled per turn */
    IDLE_MS = 60000,
    CONFESSION_STACK = 64 * 1024, /* stack for the signal handler: the check may have overflowed its own */
};

struct server {
    struct resolver *resolver;
    gint64 timeout_us;
    int inside, events, wake; /* wake: eventfd, readable when a check can go on */
    bool closed;
    GHashTable *by_pid; /* pid -> struct asker*, owned */
    GHashTable *by_fd;
    GQueue open;  /* askers whose question waits for name servers, earliest deadline first */
    GQueue ready; /* askers whose check can go on */
};

/* A process that has, or had, a line to this one. It stays known after hanging up, so that a new line does not
 * reset its limit per second. */
struct asker {
    struct server *server;
    int fd; /* its line; -1: it hung up */
    guint32 number;          /* of its current question */
    struct spf_check *check; /* NULL: no open question */
    gint64 deadline;
    struct timeval cpu_left;
    GList *open, *ready;     /* its links in the queues; NULL: not queued */
    gint64 second;           /* the second that taken_back counts canceled questions in */
    guint taken_back;
};

/* ---- signals that kill this process ---- */

/* The question that libspf2 is working on; fd -1: none. */
static struct {
    int fd;
    struct spf_packet_answer answer;
} at_work = {.fd = -1};

/* Signal handler: tells the asker of the current question that this process dies of it. All other askers only
 * see their lines close. */
static void confess(int sig)
{
    at_work.answer.signal = sig;
    if (at_work.fd >= 0)
        send(at_work.fd, &at_work.answer, sizeof at_work.answer, MSG_NOSIGNAL | MSG_DONTWAIT);
    raise(sig); /* SA_RESETHAND removed this handler, so the signal kills as soon as it returns */
}

static void confess_exit(void)
{
    if (at_work.fd >= 0)
        confess(SIGABRT);
}

static void set_signals(void)
{
    /* Ignore signals to the process group: workers still need answers while they finish. This process ends when
     * the outer end of the door is closed. */
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    static const int reset[] = {SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU};
    static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPROF};
    static char room[CONFESSION_STACK];
    const stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    struct sigaction sa = {.sa_handler = confess, .sa_flags = SA_ONSTACK | SA_RESETHAND};
    sigset_t none;
    for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
        signal(ignored[i], SIG_IGN);
    for (size_t i = 0; i < G_N_ELEMENTS(reset); i++)
        signal(reset[i], SIG_DFL);
    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(deadly); i++)
        sigaction(deadly[i], &sa, NULL);
    atexit(confess_exit);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- one asker and its question ---- */

static void leave_queue(GQueue *queue, GList **env)
{
    if (*env)
        g_queue_delete_link(queue, *env);
    *env = NULL;
}

static void close_question(struct asker *a)
{
    leave_queue(&a->server->open, &a->open);
    leave_queue(&a->server->ready, &a->ready);
    spf_check_free(&a->check);
}

/* Cancels the open question and counts it. */
static void take_back(struct asker *a)
{
    const gint64 second = g_get_monotonic_time() / G_USEC_PER_SEC;
    if (a->second != second)
        a->taken_back = 0;
    a->second = second;
    a->taken_back += a->check != NULL;
    close_question(a);
}

static void hang_up(struct asker *a)
{
    take_back(a);
    if (a->fd < 0)
        return;
    g_hash_table_remove(a->server->by_fd, GINT_TO_POINTER(a->fd));
    close(a->fd);
    a->fd = -1;
}

static void free_asker(gpointer asker)
{
    hang_up(asker);
    g_free(asker);
}

/* Called by the resolver: queues the check, which the main loop then runs. */
static void wake(void *asker)
{
    struct asker *a = asker;
    const guint64 one = 1;
    if (a->ready)
        return;
    g_queue_push_tail(&a->server->ready, a);
    a->ready = a->server->ready.tail;
    if (write(a->server->wake, &one, sizeof one) < 0)
        return; /* the counter is full, so the eventfd is readable already */
}

static void answer(struct asker *a, const struct spf_result *result)
{
    struct spf_packet_answer out;
    memset(&out, 0, sizeof out);
    out.number = a->number;
    out.result = *result;
    close_question(a);
    /* If the asker does not read its line, this answer is dropped. */
    send(a->fd, &out, sizeof out, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void refuse(struct asker *a, const char *reason)
{
    struct spf_result result = {.code = SPF_CODE_TEMPERROR};
    g_strlcpy(result.reason, reason, sizeof result.reason);
    answer(a, &result);
}

/* Runs the check once. ITIMER_PROF sends SIGPROF, which kills this process, when the question's CPU time is
 * used up. */
static void run(struct asker *a)
{
    struct spf_result result;
    struct itimerval left = {.it_value = a->cpu_left};
    static const struct itimerval off;
    leave_queue(&a->server->ready, &a->ready);
    memset(&at_work.answer, 0, sizeof at_work.answer);
    at_work.answer.number = a->number;
    at_work.fd = a->fd;
    setitimer(ITIMER_PROF, &left, NULL);
    const bool done = spf_check_run(a->check, &result);
    setitimer(ITIMER_PROF, &off, &left);
    at_work.fd = -1;
    a->cpu_left = left.it_value;
    if (!timerisset(&a->cpu_left))
        a->cpu_left.tv_usec = 1;
    if (done)
        answer(a, &result);
}

/* Starts a new question and cancels the previous one, whose queries stay open at the name servers. So an asker
 * that cancels more often than mail can arrive is refused. */
static void open_question(struct asker *a, guint32 number, const struct spf_question *q)
{
    struct server *s = a->server;
    take_back(a);
    a->number = number;
    if (a->taken_back > TAKEN_BACK_MAX) {
        refuse(a, "too many questions at once");
        return;
    }
    a->check = spf_check_new(s->resolver, q, wake, a);
    a->deadline = g_get_monotonic_time() + s->timeout_us;
    a->cpu_left = (struct timeval){.tv_usec = SPF_PROCESS_CPU_MS * 1000};
    g_queue_push_tail(&s->open, a);
    a->open = s->open.tail;
    wake(a);
}

/* Reads one packet. The next one waits for the next turn, so that all lines get the same share. */
static void hear(struct asker *a)
{
    char data[SPF_PACKET_QUESTION_MAX];
    guint32 number;
    struct spf_question q;
    const ssize_t len = recv(a->fd, data, sizeof data, MSG_DONTWAIT | MSG_TRUNC);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0 || !spf_packet_read(data, (size_t)len, &number, &q))
        hang_up(a);
    else
        open_question(a, number, &q);
}

/* ---- the main loop ---- */

static bool watch(struct server *s, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(s->events, EPOLL_CTL_ADD, fd, &event) == 0;
}

static gboolean is_gone(gpointer pid, gpointer asker, gpointer unused)
{
    (void)pid;
    (void)unused;
    return ((const struct asker *)asker)->fd < 0;
}

/* The asker with this pid, made if new; NULL: there are too many. */
static struct asker *asker_of(struct server *s, pid_t pid)
{
    struct asker *a = g_hash_table_lookup(s->by_pid, GINT_TO_POINTER(pid));
    if (a)
        return a;
    if (g_hash_table_size(s->by_pid) >= ASKERS_MAX)
        g_hash_table_foreach_remove(s->by_pid, is_gone, NULL);
    if (g_hash_table_size(s->by_pid) >= ASKERS_MAX)
        return NULL;
    a = g_new0(struct asker, 1);
    a->server = s;
    a->fd = -1;
    g_hash_table_insert(s->by_pid, GINT_TO_POINTER(pid), a);
    return a;
}

/* Takes a new line from the door. An asker has one line: a new one replaces the old. */
static void open_door(struct server *s)
{
    pid_t pid;
    const int fd = spf_door_accept(s->inside, &pid, &s->closed);
    struct asker *a = fd >= 0 ? asker_of(s, pid) : NULL;
    if (a)
        hang_up(a);
    if (!a || !watch(s, fd)) {
        if (fd >= 0)
            close(fd);
        return;
    }
    a->fd = fd;
    g_hash_table_insert(s->by_fd, GINT_TO_POINTER(fd), a);
}

static void take_events(struct server *s)
{
    struct epoll_event events[EVENTS];
    guint64 wishes;
    const int n = epoll_wait(s->events, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        const int fd = events[i].data.fd;
        struct asker *a = g_hash_table_lookup(s->by_fd, GINT_TO_POINTER(fd));
        if (fd == s->inside)
            open_door(s);
        else if (fd == s->wake)
            (void)!read(fd, &wishes, sizeof wishes);
        else if (a)
            hear(a);
    }
}

static void stop_overdue(struct server *s)
{
    const gint64 now = g_get_monotonic_time();
    struct asker *a;
    while ((a = g_queue_peek_head(&s->open)) && a->deadline <= now) {
        leave_queue(&s->open, &a->open);
        spf_check_stop(a->check);
        wake(a);
    }
}

/* Runs the checks that are ready now. Those that become ready meanwhile wait for the next turn of the loop. */
static void run_ready(struct server *s)
{
    for (guint n = s->ready.length; n > 0 && s->ready.head; n--)
        run(s->ready.head->data);
}

static int wait_ms(const struct server *s)
{
    const struct asker *first = s->open.head ? s->open.head->data : NULL;
    if (!first)
        return IDLE_MS;
    return (int)CLAMP((first->deadline - g_get_monotonic_time() + 999) / 1000, 0, IDLE_MS);
}

static int serve(struct server *s)
{
    s->by_pid = g_hash_table_new_full(NULL, NULL, NULL, free_asker);
    s->by_fd = g_hash_table_new(NULL, NULL);
    if (!watch(s, s->inside) || !watch(s, s->wake))
        return EX_OSERR;
    while (!s->closed) {
        resolver_pump(s->resolver, s->events, wait_ms(s));
        take_events(s);
        stop_overdue(s);
        run_ready(s);
    }
    g_hash_table_unref(s->by_pid);
    g_hash_table_unref(s->by_fd);
    resolver_free(&s->resolver);
    return EX_OK;
}

/* ---- the process ---- */

/* Moves these n descriptors (-1: none) to the numbers from FIRST_FD on and closes all others above 2. */
static void keep_only(int *fds, int n)
{
    for (int i = 0; i < n; i++)
        if (fds[i] >= 0)
            fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST_FD + n);
    for (int i = 0; i < n; i++)
        if (fds[i] >= 0)
            fds[i] = dup2(fds[i], FIRST_FD + i);
        else
            close(FIRST_FD + i);
    close_range((unsigned)(FIRST_FD + n), ~0U, 0);
}

/* Returns when the process before this one is gone. */
static void wait_for_turn(int before)
{
    struct pollfd p = {.fd = before, .events = POLLIN};
    if (before < 0)
        return;
    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        continue;
    close(before);
}

int spf_process_run(const struct spf_process_env *env)
{
    const struct settings *settings = env->settings;
    int fds[] = {env->inside, env->before, env->life};
    char *error = NULL;
    keep_only(fds, G_N_ELEMENTS(fds));
    /* Drops this process's log: the workers' resolvers log the same about the name servers. */
    log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    set_signals();
    struct server s = {.inside = fds[0], .resolver = resolver_new(settings, &error)};
    s.timeout_us = (gint64)settings->dns_timeout_ms * 1000;
    s.events = epoll_create1(EPOLL_CLOEXEC);
    s.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    /* resolver_new has read the name servers' addresses, so from here on only the network is needed. */
    if (!sandbox_policy_close(settings, SANDBOX_SPF) || !s.resolver || s.events < 0 || s.wake < 0)
        return EX_CONFIG;
    wait_for_turn(fds[1]);
    return serve(&s);
}
