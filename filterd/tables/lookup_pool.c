/* Starts processes that ask the tables, and hands them questions. Called by tables_process.c, whose sandbox they
 * inherit. */
#include "filterd/tables/lookup_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/tables/key_import.h"
#include "filterd/tables/sql_waits.h"
#include "filterd/tables/tables_packet.h"

#define LATE_US G_USEC_PER_SEC /* another is asked then */
#define GIVE_UP_US (12 * G_USEC_PER_SEC) /* who asked has an answer then: before a worker takes us for dead (tables_client.c) */
enum { LINE_FD = STDERR_FILENO + 1, IMPORTER_FD };
#define IDLE_US (60 * G_USEC_PER_SEC) /* all but the first end then */

struct question {
    char *key;
    GBytes *packet;
    gint64 since; /* monotonic: of its arrival */
};

struct process {
    int fd;                    /* -1: does not run */
    bool busy;
    struct question *question; /* NULL: idle, or nobody waits for the answer any more */
    gint64 since;              /* monotonic: of the last question */
};

/* A question that the importer has to answer; the processes that ask go on meanwhile. */
struct import {
    int fd;
    struct question *question;
};

struct lookup_pool {
    struct lookup_pool_env env;
    GArray *imports; /* of struct import */
    struct process processes[SQL_WAITS_PROCESSES];
    GQueue waiting; /* of struct question* */
    char *answer;   /* TABLES_PACKET_ANSWER_MAX + 1 bytes */
};

/* ---- in a process that asks ---- */

bool lookup_pool_answer(struct user_tables *t, const char *question, size_t len, GString *out)
{
    guint32 number;
    enum users_tables_question what;
    const char *address;
    struct users_tables_answer a = {0};
    if (!tables_packet_read_question(question, len, &number, &what, &address))
        return false;
    const enum users_result result = user_tables_ask(t, what, address, &a);
    tables_packet_write_answer(out, number, result, result == USERS_TEMP ? &(struct users_tables_answer){0} : &a);
    users_tables_answer_clear(&a);
    return true;
}

/* The service's SIGTERM reaches all its processes: the one that hands out questions knows when to end. */
static void set_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGUSR2, SIGINT, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* postmap's end is waited for */
}

static void serve(const struct settings *s, int fd, int importer)
{
    char data[TABLES_PACKET_QUESTION_MAX];
    struct user_tables *t = user_tables_new(s, importer);
    GString *out = g_string_new(NULL);
    bool more = true;
    while (more) {
        const ssize_t len = recv(fd, data, sizeof data, 0);
        if (len < 0 && errno == EINTR)
            continue;
        more = len > 0 && lookup_pool_answer(t, data, (size_t)len, out);
        const int import = user_tables_take_import(t);
        more = more && key_import_pass(fd, out->str, out->len, import);
        if (import >= 0)
            close(import);
    }
    g_string_free(out, TRUE);
    user_tables_free(&t);
}

static void be_process(const struct lookup_pool *p, guint place, int fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "filterd-lookup");
    const int line = fcntl(fd, F_DUPFD_CLOEXEC, IMPORTER_FD + 1);
    const bool has_importer = p->env.importer >= 0 && dup3(p->env.importer, IMPORTER_FD, O_CLOEXEC) >= 0;
    if (getppid() != parent || dup3(line, LINE_FD, O_CLOEXEC) < 0)
        _exit(1);
    close_range((unsigned)(has_importer ? IMPORTER_FD : LINE_FD) + 1, ~0U, 0);
    set_signals();
    sql_waits_be(place);
    serve(p->env.settings, LINE_FD, has_importer ? IMPORTER_FD : -1);
    _exit(0);
}

/* ---- in the process that hands out questions ---- */

struct lookup_pool *lookup_pool_new(const struct lookup_pool_env *env)
{
    struct lookup_pool *p = g_new0(struct lookup_pool, 1);
    p->env = *env;
    p->imports = g_array_new(FALSE, FALSE, sizeof(struct import));
    for (guint i = 0; i < SQL_WAITS_PROCESSES; i++)
        p->processes[i].fd = -1;
    g_queue_init(&p->waiting);
    p->answer = g_malloc(TABLES_PACKET_ANSWER_MAX + 1);
    signal(SIGCHLD, SIG_IGN); /* nobody has to wait for theirs */
    sql_waits_share();
    return p;
}

static void question_free(gpointer data)
{
    struct question *q = data;
    g_free(q->key);
    g_bytes_unref(q->packet);
    g_free(q);
}

void lookup_pool_free(struct lookup_pool **pool)
{
    struct lookup_pool *p = *pool;
    if (!p)
        return;
    for (guint i = 0; i < SQL_WAITS_PROCESSES; i++) {
        if (p->processes[i].fd >= 0)
            close(p->processes[i].fd);
        g_clear_pointer(&p->processes[i].question, question_free);
    }
    g_queue_clear_full(&p->waiting, question_free);
    for (guint i = 0; i < p->imports->len; i++) {
        close(g_array_index(p->imports, struct import, i).fd);
        question_free(g_array_index(p->imports, struct import, i).question);
    }
    g_array_unref(p->imports);
    g_free(p->answer);
    g_clear_pointer(pool, g_free);
}

static bool start(struct lookup_pool *p, guint place)
{
    int ends[2];
    const pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return false;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = ends[0]};
    const pid_t pid = fork();
    if (pid == 0)
        be_process(p, place, ends[1], parent);
    close(ends[1]);
    if (pid > 0 && epoll_ctl(p->env.events, EPOLL_CTL_ADD, ends[0], &event) == 0) {
        p->processes[place].fd = ends[0];
        return true;
    }
    close(ends[0]);
    return false;
}

/* Its question, if it has one, has no answer. */
static void stop(struct lookup_pool *p, guint place)
{
    struct process *one = &p->processes[place];
    struct question *q = g_steal_pointer(&one->question);
    if (one->fd >= 0)
        close(one->fd);
    one->fd = -1;
    one->busy = false;
    sql_waits_clear(place);
    if (!q)
        return;
    log_warn("[users] a process that asked the tables has ended, or none can be started");
    p->env.answered(p->env.arg, q->key, NULL, 0);
    question_free(q);
}

/* The answer, if one comes, is dropped. */
static void give_up(struct lookup_pool *p, struct process *one)
{
    struct question *q = g_steal_pointer(&one->question);
    p->env.answered(p->env.arg, q->key, NULL, 0);
    question_free(q);
}

void lookup_pool_ask(struct lookup_pool *p, const char *key, const void *question, size_t len)
{
    struct question *q = g_new0(struct question, 1);
    *q = (struct question){g_strdup(key), g_bytes_new(question, len), g_get_monotonic_time()};
    g_queue_push_tail(&p->waiting, q);
}

static void hand(struct lookup_pool *p, guint place, struct question *q, gint64 now)
{
    struct process *one = &p->processes[place];
    gsize len;
    const void *data = g_bytes_get_data(q->packet, &len);
    one->question = q;
    one->busy = true;
    one->since = now;
    if ((one->fd < 0 && !start(p, place)) || send(one->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
        stop(p, place);
}

/* The first that is idle, if all before it are late; SQL_WAITS_PROCESSES: none. */
static guint choose(const struct lookup_pool *p, gint64 now, gint64 *late_at_r)
{
    for (guint i = 0; i < SQL_WAITS_PROCESSES; i++) {
        const struct process *one = &p->processes[i];
        if (!one->busy)
            return i;
        *late_at_r = one->since + LATE_US;
        if (now < *late_at_r)
            break;
    }
    return SQL_WAITS_PROCESSES;
}

/* All processes may hang at once: who waits for one has an answer as well, and the line does not grow for ever. */
static void give_up_waiting(struct lookup_pool *p, gint64 now)
{
    struct question *q;
    while ((q = g_queue_peek_head(&p->waiting)) && now - q->since > GIVE_UP_US) {
        g_queue_pop_head(&p->waiting);
        p->env.answered(p->env.arg, q->key, NULL, 0);
        question_free(q);
    }
}

/* ---- what the importer has to answer ---- */

/* Takes q and fd over. */
static void await_import(struct lookup_pool *p, struct question *q, int fd)
{
    const struct import one = {fd, q};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    g_array_append_val(p->imports, one);
    epoll_ctl(p->env.events, EPOLL_CTL_ADD, fd, &event); /* else it is given up in time */
}

static void end_import(struct lookup_pool *p, guint place, enum key_import result)
{
    const struct import one = g_array_index(p->imports, struct import, place);
    GString *out = result == KEY_IMPORT_TEMP ? NULL : g_string_new(NULL);
    const struct users_tables_answer a = {.key = result == KEY_IMPORT_DONE ? USERS_TABLES_KEY_READY : USERS_TABLES_KEY_REFUSED};
    g_array_remove_index_fast(p->imports, place);
    epoll_ctl(p->env.events, EPOLL_CTL_DEL, one.fd, NULL); /* a process that begins may still have it */
    close(one.fd);
    if (out)
        tables_packet_write_answer(out, 0, USERS_FOUND, &a);
    p->env.answered(p->env.arg, one.question->key, out ? out->str : NULL, out ? out->len : 0);
    question_free(one.question);
    if (out)
        g_string_free(out, TRUE);
}

static void give_up_imports(struct lookup_pool *p, gint64 now)
{
    for (guint i = p->imports->len; i-- > 0;)
        if (now - g_array_index(p->imports, struct import, i).question->since > GIVE_UP_US)
            end_import(p, i, KEY_IMPORT_TEMP);
}

static bool hear_importer(struct lookup_pool *p, int fd)
{
    guint place = 0;
    while (place < p->imports->len && g_array_index(p->imports, struct import, place).fd != fd)
        place++;
    if (place == p->imports->len)
        return false;
    end_import(p, place, key_import_hear(fd));
    return true;
}

/* ---- a turn ---- */

int lookup_pool_turn(struct lookup_pool *p)
{
    const gint64 now = g_get_monotonic_time();
    gint64 late_at = 0;
    guint place;
    while (p->waiting.length && (place = choose(p, now, &late_at)) < SQL_WAITS_PROCESSES)
        hand(p, place, g_queue_pop_head(&p->waiting), now);
    give_up_waiting(p, now);
    give_up_imports(p, now);
    for (guint i = 0; i < SQL_WAITS_PROCESSES; i++) {
        struct process *one = &p->processes[i];
        if (one->question && now - one->since > GIVE_UP_US)
            give_up(p, one);
        if (i && one->fd >= 0 && !one->busy && now - one->since > IDLE_US)
            stop(p, i);
    }
    return p->waiting.length && late_at > now ? (int)((late_at - now + 999) / 1000) : -1;
}

bool lookup_pool_hear(struct lookup_pool *p, int fd)
{
    guint place = 0;
    int import;
    while (place < SQL_WAITS_PROCESSES && p->processes[place].fd != fd)
        place++;
    if (place == SQL_WAITS_PROCESSES)
        return hear_importer(p, fd);
    struct process *one = &p->processes[place];
    const ssize_t len = key_import_get(fd, p->answer, TABLES_PACKET_ANSWER_MAX + 1, &import);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (len <= 0 || !one->busy) {
        if (import >= 0)
            close(import);
        stop(p, place);
        return true;
    }
    struct question *q = g_steal_pointer(&one->question);
    one->busy = false;
    if (q && import >= 0) {
        await_import(p, q, import);
    } else if (import >= 0) {
        close(import); /* nobody waits any more; the importer goes on */
    } else if (q) {
        p->env.answered(p->env.arg, q->key, p->answer, (size_t)len);
        question_free(q);
    }
    return true;
}
