/* Answers questions about addresses from the operator's tables. Run in the process that filterd/tables_child.c
 * starts. */
#include "filterd/tables/tables_process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config/users_tables.h"
#include "base/log.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_policy.h"
#include "filterd/tables/tables_cache.h"
#include "filterd/tables/tables_packet.h"
#include "filterd/tables/user_tables.h"

enum {
    FIRST_FD = 3,
    ASKERS_MAX = 3072, /* connections at a time; a daemon has one for each worker, two generations at a reload */
    EVENTS = 64,
    TURN_MS = 1000,    /* how often it looks whether the master is there */
};

struct tables_desk {
    struct user_tables *tables;
    struct tables_cache *cache;
    GString *packet;
};

static volatile sig_atomic_t leave;
static pid_t master;

/* ---- a question ---- */

struct tables_desk *tables_process_desk_new(const struct settings *s)
{
    struct tables_desk *d = g_new0(struct tables_desk, 1);
    d->tables = user_tables_new(s);
    d->cache = tables_cache_new(TABLES_CACHE_ANSWERS);
    d->packet = g_string_new(NULL);
    return d;
}

void tables_process_desk_free(struct tables_desk **d)
{
    if (!*d)
        return;
    user_tables_free(&(*d)->tables);
    tables_cache_free(&(*d)->cache);
    g_string_free((*d)->packet, TRUE);
    g_clear_pointer(d, g_free);
}

/* The same answer with another question's number. */
static GBytes *numbered(const GBytes *answer, guint32 number)
{
    gsize len;
    const void *data = g_bytes_get_data((GBytes *)answer, &len);
    char *copy = g_memdup2(data, len);
    memcpy(copy, &number, sizeof number);
    return g_bytes_new_take(copy, len);
}

static GBytes *ask_tables(struct tables_desk *d, guint32 number, enum users_tables_question question,
                          const char *address)
{
    g_autofree char *key = tables_packet_name(question, address);
    const GBytes *known = tables_cache_get(d->cache, key, g_get_monotonic_time(), false);
    if (known)
        return numbered(known, number);
    struct users_tables_answer a = {0};
    const enum users_result result = user_tables_ask(d->tables, question, address, &a);
    known = result == USERS_TEMP ? tables_cache_get(d->cache, key, g_get_monotonic_time(), true) : NULL;
    tables_packet_write_answer(d->packet, number, result, result == USERS_TEMP ? &(struct users_tables_answer){0} : &a);
    users_tables_answer_clear(&a);
    if (known)
        return numbered(known, number);
    GBytes *answer = g_bytes_new(d->packet->str, d->packet->len);
    if (result != USERS_TEMP)
        tables_cache_put(d->cache, key, result, g_bytes_ref(answer), g_get_monotonic_time());
    return answer;
}

GBytes *tables_process_answer(struct tables_desk *d, const char *question, size_t len)
{
    guint32 number;
    enum users_tables_question what;
    const char *address;
    if (!tables_packet_read_question(question, len, &number, &what, &address))
        return NULL;
    return ask_tables(d, number, what, address);
}

/* ---- the main loop ---- */

struct server {
    struct tables_desk *desk;
    int listen_fd, keeper_fd, events;
    int askers;
};

static bool watch(const struct server *s, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(s->events, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void hang_up(struct server *s, int fd)
{
    if (fd == s->keeper_fd)
        return; /* the master holds both ends: what came was no question */
    close(fd);
    s->askers--;
}

/* Reads one packet. The next one waits for the next turn, so that all get the same share. */
static void hear(struct server *s, int fd)
{
    char data[TABLES_PACKET_QUESTION_MAX];
    const ssize_t len = recv(fd, data, sizeof data, MSG_DONTWAIT | MSG_TRUNC);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    GBytes *answer = len > 0 ? tables_process_answer(s->desk, data, (size_t)len) : NULL;
    if (!answer) {
        hang_up(s, fd);
        return;
    }
    gsize size;
    const void *packet = g_bytes_get_data(answer, &size);
    /* If the asker does not read, this answer is dropped. */
    send(fd, packet, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    g_bytes_unref(answer);
}

static void open_line(struct server *s)
{
    const int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    s->askers++;
    if (s->askers > ASKERS_MAX || !watch(s, fd))
        hang_up(s, fd);
}

static int serve(struct server *s)
{
    struct epoll_event events[EVENTS];
    if (!watch(s, s->listen_fd) || (s->keeper_fd >= 0 && !watch(s, s->keeper_fd)))
        return EX_OSERR;
    while (!leave && getppid() == master) {
        const int n = epoll_wait(s->events, events, EVENTS, TURN_MS);
        for (int i = 0; i < n && !leave; i++)
            if (events[i].data.fd == s->listen_fd)
                open_line(s);
            else
                hear(s, events[i].data.fd);
    }
    return EX_OK;
}

/* ---- the process ---- */

static void on_leave(int sig)
{
    if (sig == SIGUSR2 || getppid() != master)
        leave = 1;
}

/* SIGTERM comes when the master is gone, or to all processes of the service: workers still need answers while they
 * finish. */
static void set_signals(void)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGPIPE};
    static const int reset[] = {SIGCHLD, SIGALRM, SIGUSR1};
    struct sigaction sa = {.sa_handler = on_leave};
    sigset_t none;
    for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
        signal(ignored[i], SIG_IGN);
    for (size_t i = 0; i < G_N_ELEMENTS(reset); i++)
        signal(reset[i], SIG_DFL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Moves these n descriptors (-1: none) to the numbers from FIRST_FD on and closes all others above 2. */
static void keep_only(int *fds, int n)
{
    for (int i = 0; i < n; i++)
        if (fds[i] >= 0)
            fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST_FD + n);
    for (int i = 0; i < n; i++)
        if (fds[i] >= 0)
            fds[i] = dup3(fds[i], FIRST_FD + i, O_CLOEXEC);
    for (int i = 0; i < n; i++)
        if (fds[i] < 0)
            close(FIRST_FD + i);
    close_range((unsigned)(FIRST_FD + n), ~0U, 0);
}

int tables_process_run(const struct tables_process_env *env)
{
    int fds[] = {env->listen_fd, env->keeper_fd};
    master = getppid();
    keep_only(fds, G_N_ELEMENTS(fds));
    log_to_fd(STDERR_FILENO); /* the pipe to the master, whose other descriptor is closed now */
    set_signals();
    struct server s = {.listen_fd = fds[0], .keeper_fd = fds[1], .events = epoll_create1(EPOLL_CLOEXEC)};
    if (!sandbox_policy_close(env->settings, SANDBOX_TABLES) || s.events < 0)
        return EX_CONFIG;
    s.desk = tables_process_desk_new(env->settings);
    const int code = serve(&s);
    tables_process_desk_free(&s.desk);
    return code;
}
