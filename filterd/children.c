/* Forks, counts and ends the daemon's processes. Called by master.c, and for their forks by spf_pair.c and
 * milter_processes.c. */
#include "filterd/children.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/keeper/keeper_process.h"
#include "filterd/worker.h"
#include "rules/auth/spf_door.h"

#define SPARE_MAX 8
#define SPARE_IDLE_US (30 * G_USEC_PER_SEC)
/* A session must be idle this long to be ended: between two messages of a burst, Postfix would defer the next
 * one. */
#define REST_US G_USEC_PER_SEC
/* Longer inside a transaction: the client may be checking the sender before its next command. */
#define WAIT_US (5 * G_USEC_PER_SEC)
#define KEEPER_READY_MS 20000
#define PAUSE_US (G_USEC_PER_SEC / 4)
#define YOUNG_US G_USEC_PER_SEC
#define RELAY_READS 64
#define WAKE_READS 256

bool children_init(struct children *c)
{
    /* Room for two generations: after a reload the old one finishes while the new one works. */
    c->others = g_array_new(FALSE, TRUE, sizeof(struct children_other));
    c->milter_sockets = g_array_new(FALSE, TRUE, sizeof(struct children_milter_socket));
    c->scoreboard = scoreboard_new(c->settings->workers * 2 + 16);
    c->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return c->scoreboard && c->null_fd >= 0 && pipe2(c->log_pipe, O_CLOEXEC) == 0 &&
           pipe2(c->wake_pipe, O_CLOEXEC | O_NONBLOCK) == 0 &&
           fcntl(c->log_pipe[0], F_SETFL, O_NONBLOCK) == 0;
}

/* Prepares a child: closes what only the master may hold, sets the name in ps. The kernel ends it when the
 * master is killed: it holds sockets on which the next master has to listen. */
static void enter_child(struct children *c, const char *name, pid_t master)
{
    close(c->log_pipe[0]);
    close(c->wake_pipe[0]);
    if (c->blocked_fd >= 0)
        close(c->blocked_fd);
    for (guint i = 0; i < c->milter_sockets->len; i++)
        close(g_array_index(c->milter_sockets, struct children_milter_socket, i).fd);
    log_to_fd(c->log_pipe[1]);
    /* The master's standard streams may be files: a child that may write to none must not have them. */
    if (dup2(c->null_fd, STDIN_FILENO) < 0 || dup2(c->log_pipe[1], STDOUT_FILENO) < 0 ||
        dup2(c->log_pipe[1], STDERR_FILENO) < 0)
        _exit(EX_TEMPFAIL);
    prctl(PR_SET_NAME, name);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != master)
        _exit(EX_TEMPFAIL);
}

void children_close_listeners(const struct children *c)
{
    for (size_t i = 0; i < c->settings->listener_count; i++)
        close(c->listen_fds[i]);
    if (c->learn_fd >= 0)
        close(c->learn_fd);
    if (c->milter_fd >= 0)
        close(c->milter_fd);
}

void children_close_keeper(const struct children *c)
{
    if (c->control_fd >= 0)
        close(c->control_fd);
    if (c->keeper_fd >= 0)
        close(c->keeper_fd);
}

void children_close_tables(const struct children *c, bool asks)
{
    if (c->tables_fd >= 0)
        close(c->tables_fd);
    if (c->tables_keeper[1] >= 0)
        close(c->tables_keeper[1]);
    if (!asks && c->tables_keeper[0] >= 0)
        close(c->tables_keeper[0]);
    for (int i = 0; i < 2; i++)
        if (c->importer[i] >= 0)
            close(c->importer[i]);
}

void children_close_spf(struct children *c, bool asks)
{
    for (guint i = 0; i < c->others->len; i++) {
        const struct children_other *o = &g_array_index(c->others, struct children_other, i);
        if (o->kind == CHILDREN_SPF)
            close(o->life);
    }
    if (c->spf_door[SPF_DOOR_INSIDE] >= 0)
        close(c->spf_door[SPF_DOOR_INSIDE]);
    if (!asks && c->spf_door[SPF_DOOR_OUTSIDE] >= 0)
        close(c->spf_door[SPF_DOOR_OUTSIDE]);
}

/* Blocks signals around fork: one sent before the child has its own handlers would be handled by the master's,
 * and lost. Now it waits. */
static pid_t fork_child(void)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid != 0)
        sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

pid_t children_fork(struct children *c, const char *name)
{
    const pid_t master = getpid();
    const pid_t pid = fork_child();
    if (pid == 0) {
        enter_child(c, name, master);
        scoreboard_leave(c->scoreboard);
    }
    return pid;
}

bool children_await(int fd, int timeout_ms)
{
    const gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    struct pollfd p = {fd, POLLIN, 0};
    char byte;
    int n;
    /* SIGCHLD of another child interrupts poll. */
    while ((n = poll(&p, 1, (int)MAX((end - g_get_monotonic_time()) / 1000, 0))) < 0)
        if (errno != EINTR)
            break;
    return n == 1 && read(fd, &byte, 1) == 1;
}

static void keeper_ended(struct children *c)
{
    c->keeper = 0;
    if (c->blocked_fd >= 0)
        close(c->blocked_fd);
    c->blocked_fd = -1;
}

void children_start_keeper(struct children *c)
{
    int ready[2], blocked[2];
    if (c->control_fd < 0 || pipe2(ready, O_CLOEXEC))
        return;
    if (c->blocked_fd >= 0)
        close(c->blocked_fd);
    if (pipe2(blocked, O_CLOEXEC | O_NONBLOCK))
        blocked[0] = blocked[1] = -1;
    c->blocked_fd = blocked[0];
    c->keeper = children_fork(c, "filterd-keeper");
    if (c->keeper == 0) {
        struct stat importer;
        const bool imports = c->importer[0] >= 0 && fstat(c->importer[0], &importer) == 0;
        children_close_listeners(c);
        children_close_spf(c, false);
        children_close_tables(c, true);
        close(ready[0]);
        keeper_process_watch(&c->state);
        keeper_process_report_to(blocked[1]);
        const struct keeper_doors doors = {c->control_fd, c->keeper_fd, c->tables_keeper[0], imports ? &importer : NULL};
        _exit(keeper_process_run(c->settings, &c->key, &doors, ready[1]));
    }
    close(ready[1]);
    if (blocked[1] >= 0)
        close(blocked[1]);
    if (c->keeper > 0 && !children_await(ready[0], KEEPER_READY_MS))
        log_warn("keeper did not come up");
    if (c->keeper < 0)
        keeper_ended(c);
    close(ready[0]);
}

static bool start_worker(struct children *c)
{
    /* It counts as idle at once, so that one need makes one fork. */
    const int index = scoreboard_take(c->scoreboard);
    if (index < 0)
        return false;
    const pid_t master = getpid();
    pid_t pid = fork_child();
    if (pid == 0) {
        struct worker_env env = {
            .settings = c->settings, .state = &c->state, .key = &c->key, .listen_fds = c->listen_fds,
            .learn_fd = c->learn_fd, .milter_fd = c->milter_fd,
            .spf_door = c->spf_door[SPF_DOOR_OUTSIDE], .scoreboard = c->scoreboard,
            .slot = &c->scoreboard->shared->slots[index], .wake_fd = c->wake_pipe[1], .master = master};
        enter_child(c, "filterd-worker", master);
        children_close_spf(c, true);
        children_close_tables(c, false);
        children_close_keeper(c);
        _exit(worker_run(&env));
    }
    c->scoreboard->pids[index] = pid;
    if (pid < 0) {
        scoreboard_vacate(c->scoreboard, index);
        log_warn("fork: %s", g_strerror(errno));
    }
    return pid > 0;
}

static bool somebody_waits(const struct children *c)
{
    size_t n = c->settings->listener_count;
    struct pollfd fds[n + 2];
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){c->listen_fds[i], POLLIN, 0};
    const bool enough = scoreboard_learns_enough(c->scoreboard, c->settings->workers);
    fds[n] = (struct pollfd){enough ? -1 : c->learn_fd, POLLIN, 0};
    fds[n + 1] = (struct pollfd){c->milter_fd, POLLIN, 0};
    return poll(fds, n + 2, 0) > 0;
}

/* All workers are taken: ends the session that has been idle longest. */
static void make_room(struct children *c)
{
    const pid_t resting = scoreboard_longest(c->scoreboard, SLOT_RESTING, REST_US);
    const pid_t waiting = resting ? 0 : scoreboard_longest(c->scoreboard, SLOT_WAITING, WAIT_US);
    if (resting)
        kill(resting, SIGUSR1);
    else if (waiting)
        kill(waiting, SIGUSR2);
}

void children_balance(struct children *c)
{
    scoreboard_tidy(c->scoreboard);
    int idle = scoreboard_count(c->scoreboard, SLOT_IDLE);
    int total = idle + scoreboard_count(c->scoreboard, SLOT_RESTING) + scoreboard_count(c->scoreboard, SLOT_WAITING) +
                scoreboard_count(c->scoreboard, SLOT_BUSY);
    if (g_get_monotonic_time() < c->not_before)
        return;
    for (; idle < SCOREBOARD_SPARE && total < c->settings->workers; idle++, total++)
        if (!start_worker(c))
            break;
    if (idle == 0 && somebody_waits(c))
        make_room(c);
    const pid_t longest = idle > SPARE_MAX ? scoreboard_longest(c->scoreboard, SLOT_IDLE, SPARE_IDLE_US) : 0;
    if (longest)
        kill(longest, SIGHUP); /* it may accept a connection just now */
}

void children_kill(struct children *c, int sig)
{
    for (int i = 0; i < c->scoreboard->size; i++)
        if (c->scoreboard->pids[i] > 0)
            kill(c->scoreboard->pids[i], sig);
}

void children_dismiss_workers(struct children *c)
{
    children_kill(c, SIGHUP);
}

int children_workers_left(const struct children *c)
{
    return scoreboard_workers(c->scoreboard);
}

/* Logs an abnormal end; true if it was one. */
static bool log_end(const char *who, pid_t pid, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return false;
    if (WIFSIGNALED(status))
        log_warn("%s %d ended by signal %d", who, (int)pid, WTERMSIG(status));
    else
        log_warn("%s %d ended with code %d", who, (int)pid, WEXITSTATUS(status));
    return true;
}

static void note_end(struct children *c, const char *who, pid_t pid, int status)
{
    /* If children die at once, wait before the next fork: the machine must not spin. */
    if (log_end(who, pid, status))
        c->not_before = g_get_monotonic_time() + PAUSE_US;
}

/* A message may crash an SPF process: only the next SPF process waits for that, not other forks. */
static void note_spf_end(struct children *c, const struct children_other *o, int status)
{
    const gint64 now = g_get_monotonic_time();
    close(o->life);
    c->spf_shut |= !log_end(o->what, o->pid, status) && !o->leaving;
    if (now < o->started + YOUNG_US)
        c->spf_not_before = now + PAUSE_US;
}

/* A table server, or a key, may crash it: nobody else waits for that. */
static void note_tables_end(const struct children_other *o, int status, gint64 *not_before)
{
    const gint64 now = g_get_monotonic_time();
    log_end(o->what, o->pid, status);
    if (now < o->started + YOUNG_US)
        *not_before = now + PAUSE_US;
}

static void other_ended(struct children *c, pid_t pid, int status)
{
    for (guint i = 0; i < c->others->len; i++) {
        const struct children_other *o = &g_array_index(c->others, struct children_other, i);
        if (o->pid != pid)
            continue;
        if (o->kind == CHILDREN_SPF)
            note_spf_end(c, o, status);
        else if (o->kind == CHILDREN_TABLES)
            note_tables_end(o, status, &c->tables_not_before);
        else if (o->kind == CHILDREN_IMPORTER)
            note_tables_end(o, status, &c->importer_not_before);
        else
            note_end(c, o->what, pid, status);
        g_array_remove_index_fast(c->others, i);
        return;
    }
}

void children_reap(struct children *c)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        const int index = scoreboard_of_pid(c->scoreboard, pid);
        if (index >= 0) {
            note_end(c, "worker", pid, status);
            scoreboard_vacate(c->scoreboard, index);
        } else if (pid == c->keeper) {
            note_end(c, "keeper", pid, status);
            keeper_ended(c);
        } else {
            other_ended(c, pid, status);
        }
    }
}

/* Empties the pipe, but for what a child that never stops writes to it. */
void children_note_wakes(const struct children *c)
{
    char bytes[256];
    for (int i = 0; i < WAKE_READS && read(c->wake_pipe[0], bytes, sizeof bytes) > 0; i++)
        ;
}

void children_relay_log(struct children *c)
{
    static char text[65536];
    static size_t len;
    ssize_t n;
    /* A child that never stops writing must not hold the master here. */
    for (int i = 0; i < RELAY_READS && (n = read(c->log_pipe[0], text + len, sizeof text - 1 - len)) > 0; i++) {
        char *line = text, *end;
        len += (size_t)n;
        text[len] = 0;
        while ((end = strchr(line, '\n'))) {
            *end = 0;
            log_relay(line);
            line = end + 1;
        }
        len -= (size_t)(line - text);
        memmove(text, line, len);
        if (len == sizeof text - 1)
            len = 0; /* no line of ours is that long: drop it */
    }
}
