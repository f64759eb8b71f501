/* Answers questions about addresses from what the operator's tables said lately, or has processes of its own ask
 * them (lookup_pool.h). Run in the process that filterd/tables_child.c starts. */
#include "filterd/tables/tables_process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/leaving.h"
#include "base/log.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_policy.h"
#include "filterd/tables/lookup_pool.h"
#include "filterd/tables/tables_desk.h"
#include "filterd/tables/tables_packet.h"

enum {
    FIRST_FD = 3,
    ASKERS_MAX = 3072, /* connections at a time; a daemon has one for each worker, two generations at a reload */
    EVENTS = 64,
    TURN_MS = 1000,    /* how often it looks whether the master is there */
};

/* ---- who asks ---- */

struct server {
    struct tables_desk *desk;
    struct lookup_pool *pool;
    int listen_fd, keeper_fd, events;
    int askers;
    GHashTable *questions; /* key -> GArray of struct asker: what the tables are being asked, and for whom */
    GHashTable *waiting;   /* fd -> key, lent: who waits for an answer; they ask nothing else meanwhile */
};

struct asker {
    int fd;
    guint32 number; /* of the question */
};

static bool watch(const struct server *s, int fd, int how, uint32_t what)
{
    struct epoll_event event = {.events = what, .data.fd = fd};
    return epoll_ctl(s->events, how, fd, &event) == 0;
}

static void forget_question(struct server *s, int fd)
{
    const char *key = g_hash_table_lookup(s->waiting, GINT_TO_POINTER(fd));
    GArray *askers = key ? g_hash_table_lookup(s->questions, key) : NULL;
    for (guint i = 0; askers && i < askers->len; i++)
        if (g_array_index(askers, struct asker, i).fd == fd)
            g_array_remove_index_fast(askers, i--);
    g_hash_table_remove(s->waiting, GINT_TO_POINTER(fd));
}

static void hang_up(struct server *s, int fd)
{
    if (fd == s->keeper_fd)
        return; /* the master holds both ends: what came was no question */
    forget_question(s, fd);
    close(fd);
    s->askers--;
}

/* If the asker does not read, this answer is dropped. */
static void tell(int fd, const GBytes *answer, guint32 number)
{
    GBytes *own = tables_desk_numbered(answer, number);
    gsize size;
    const void *packet = g_bytes_get_data(own, &size);
    send(fd, packet, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    g_bytes_unref(own);
}

/* The tables have answered: all who asked this are told. */
static void on_answer(void *arg, const char *key, const char *data, size_t len)
{
    struct server *s = arg;
    const GBytes *answer = tables_desk_take(s->desk, key, data, len);
    const GArray *askers = g_hash_table_lookup(s->questions, key);
    for (guint i = 0; askers && i < askers->len; i++) {
        const struct asker *a = &g_array_index(askers, struct asker, i);
        tell(a->fd, answer, a->number);
        g_hash_table_remove(s->waiting, GINT_TO_POINTER(a->fd));
        watch(s, a->fd, EPOLL_CTL_MOD, EPOLLIN);
    }
    g_hash_table_remove(s->questions, key);
}

/* Others may have asked the same: then one answer serves all. */
static void wait_for_tables(struct server *s, const char *key, const struct asker *a)
{
    gpointer kept;
    GArray *askers;
    if (!g_hash_table_lookup_extended(s->questions, key, &kept, (gpointer *)&askers)) {
        const GString *question = tables_desk_question(s->desk, key, 0);
        lookup_pool_ask(s->pool, key, question->str, question->len);
        kept = g_strdup(key);
        askers = g_array_new(FALSE, FALSE, sizeof *a);
        g_hash_table_insert(s->questions, kept, askers);
    }
    g_array_append_val(askers, *a);
    g_hash_table_insert(s->waiting, GINT_TO_POINTER(a->fd), kept);
    watch(s, a->fd, EPOLL_CTL_MOD, 0);
}

/* Reads one packet. The next one waits for the next turn, so that all get the same share. */
static void hear(struct server *s, int fd)
{
    char data[TABLES_PACKET_QUESTION_MAX];
    struct asker a = {.fd = fd};
    const ssize_t len = recv(fd, data, sizeof data, MSG_DONTWAIT | MSG_TRUNC);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    g_autofree char *key = len > 0 ? tables_desk_key(data, (size_t)len, &a.number) : NULL;
    const GBytes *known = key ? tables_desk_known(s->desk, key) : NULL;
    if (!key)
        hang_up(s, fd);
    else if (known)
        tell(fd, known, a.number);
    else
        wait_for_tables(s, key, &a);
}

static void open_line(struct server *s)
{
    const int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    s->askers++;
    if (s->askers > ASKERS_MAX || !watch(s, fd, EPOLL_CTL_ADD, EPOLLIN))
        hang_up(s, fd);
}

/* ---- the main loop ---- */

static void on_event(struct server *s, int fd)
{
    if (fd == s->listen_fd)
        open_line(s);
    else if (lookup_pool_hear(s->pool, fd))
        return;
    else if (g_hash_table_contains(s->waiting, GINT_TO_POINTER(fd)))
        hang_up(s, fd); /* only its end is told meanwhile */
    else
        hear(s, fd);
}

static int serve(struct server *s)
{
    struct epoll_event events[EVENTS];
    if (!watch(s, s->listen_fd, EPOLL_CTL_ADD, EPOLLIN) ||
        (s->keeper_fd >= 0 && !watch(s, s->keeper_fd, EPOLL_CTL_ADD, EPOLLIN)))
        return EX_OSERR;
    while (!leaving_now()) {
        const int wanted = lookup_pool_turn(s->pool);
        const int n = epoll_wait(s->events, events, EVENTS, wanted < 0 ? TURN_MS : MIN(wanted, TURN_MS));
        for (int i = 0; i < n && !leaving_now(); i++)
            on_event(s, events[i].data.fd);
    }
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
            fds[i] = dup3(fds[i], FIRST_FD + i, O_CLOEXEC);
    for (int i = 0; i < n; i++)
        if (fds[i] < 0)
            close(FIRST_FD + i);
    close_range((unsigned)(FIRST_FD + n), ~0U, 0);
}

int tables_process_run(const struct tables_process_env *env)
{
    int fds[] = {env->listen_fd, env->keeper_fd, env->importer_fd};
    const pid_t master = getppid();
    keep_only(fds, G_N_ELEMENTS(fds));
    log_to_fd(STDERR_FILENO); /* the pipe to the master, whose other descriptor is closed now */
    leaving_prepare(master);
    struct server s = {.listen_fd = fds[0], .keeper_fd = fds[1], .events = epoll_create1(EPOLL_CLOEXEC)};
    if (!sandbox_policy_close(env->settings, SANDBOX_TABLES) || s.events < 0)
        return EX_CONFIG;
    s.desk = tables_desk_new();
    s.pool = lookup_pool_new(&(struct lookup_pool_env){env->settings, fds[2], s.events, on_answer, &s});
    s.questions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    s.waiting = g_hash_table_new(NULL, NULL);
    const int code = serve(&s);
    lookup_pool_free(&s.pool);
    tables_desk_free(&s.desk);
    g_hash_table_unref(s.questions);
    g_hash_table_unref(s.waiting);
    return code;
}
