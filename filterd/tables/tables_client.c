/* Asks the tables' process, or the tables. Called by context.c for workers and filterd-pipe, by the keeper and by
 * filterctl. */
#include "filterd/tables/tables_client.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "filterd/tables/tables_packet.h"

/* A look-up may take 10 s where a table server hangs, and others' questions come first: then mail must wait. */
#define WORKER_MS 15000
/* The keeper serves all, and asks seldom. */
#define KEEPER_MS 1000
/* Who got no answer is not asked again for so long. */
#define SILENT_US (5 * G_USEC_PER_SEC)
/* One message asks several times about the same address. */
#define KEPT_US (2 * G_USEC_PER_SEC)
#define KEPT_ANSWERS 64

struct tables_client {
    struct users_tables users;
    struct user_tables *alone; /* NULL: there is a process */
    char *path;                /* of its socket; NULL: fd is all there is */
    int fd;                    /* -1: not connected */
    int timeout_ms;
    guint32 number;            /* of the last question */
    gint64 silent;             /* monotonic microseconds: not asked earlier */
    GString *packet;
    char *answer;              /* TABLES_PACKET_ANSWER_MAX bytes */
    GHashTable *kept;          /* question -> packed answer */
    gint64 kept_since;
};

struct endpoint tables_client_at(const struct endpoint *control)
{
    return (struct endpoint){.path = control->path ? g_strconcat(control->path, ".tables", NULL) : NULL};
}

static void hang_up(struct tables_client *c)
{
    if (c->fd >= 0 && c->path) {
        close(c->fd);
        c->fd = -1;
    }
}

static int connect_to(const char *path, int timeout_ms)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = (timeout_ms + 999) / 1000};
    if (strlen(path) >= sizeof at.sun_path)
        return -1;
    strcpy(at.sun_path, path);
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* bounds connect, too */
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Waits for the answer to the last question; 0: the line is gone, -1: none came in time, or it is none. */
static ssize_t hear(struct tables_client *c, gint64 end)
{
    for (;;) {
        struct pollfd p = {c->fd, POLLIN, 0};
        const int ms = (int)MAX((end - g_get_monotonic_time() + 999) / 1000, 0);
        const int n = poll(&p, 1, ms);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        const ssize_t len = recv(c->fd, c->answer, TABLES_PACKET_ANSWER_MAX, MSG_DONTWAIT);
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        guint32 number;
        if (len < (ssize_t)sizeof number)
            return 0;
        memcpy(&number, c->answer, sizeof number);
        if (number == c->number) /* else: of a question that was given up */
            return len;
    }
}

/* The answer's length; 0: none. Connects anew once if the process was started anew. */
static size_t exchange(struct tables_client *c, enum users_tables_question question, const char *address)
{
    const gint64 end = g_get_monotonic_time() + (gint64)c->timeout_ms * 1000;
    ssize_t len = 0;
    if (g_get_monotonic_time() < c->silent ||
        !tables_packet_write_question(c->packet, ++c->number, question, address))
        return 0;
    for (int i = 0; i < 2 && len == 0; i++) {
        if (c->fd < 0 && c->path)
            c->fd = connect_to(c->path, c->timeout_ms);
        if (c->fd < 0)
            break;
        if (send(c->fd, c->packet->str, c->packet->len, MSG_NOSIGNAL) == (ssize_t)c->packet->len)
            len = hear(c, end);
        if (len <= 0)
            hang_up(c);
    }
    if (len < 0)
        c->silent = g_get_monotonic_time() + SILENT_US;
    return len > 0 ? (size_t)len : 0;
}

static enum users_result unpack(const char *data, size_t len, struct users_tables_answer *a_r)
{
    guint32 number;
    enum users_result result;
    return tables_packet_read_answer(data, len, &number, &result, a_r) ? result : USERS_TEMP;
}

static void forget_old(struct tables_client *c)
{
    const gint64 now = g_get_monotonic_time();
    if (now - c->kept_since <= KEPT_US && g_hash_table_size(c->kept) < KEPT_ANSWERS)
        return;
    g_hash_table_remove_all(c->kept);
    c->kept_since = now;
}

/* Where there is no alias, all that was asked is the mailbox. */
static bool is_kept(struct tables_client *c, enum users_tables_question question, const char *address,
                    enum users_result *result_r, struct users_tables_answer *a_r)
{
    const enum users_tables_question tries[] = {question, USERS_TABLES_ALL};
    for (size_t i = 0; i < (question == USERS_TABLES_MAILBOX ? 2 : 1); i++) {
        g_autofree char *key = tables_packet_name(tries[i], address);
        GBytes *known = g_hash_table_lookup(c->kept, key);
        gsize size;
        const char *data = known ? g_bytes_get_data(known, &size) : NULL;
        if (data && (*result_r = unpack(data, size, a_r)) != USERS_TEMP &&
            (question == USERS_TABLES_ALL || a_r->alias == USERS_TABLES_NONE))
            return true;
        users_tables_answer_clear(a_r);
    }
    return false;
}

static enum users_result ask(void *arg, enum users_tables_question question, const char *address,
                             struct users_tables_answer *a_r)
{
    struct tables_client *c = arg;
    if (c->alone)
        return user_tables_ask(c->alone, question, address, a_r);
    enum users_result result;
    forget_old(c);
    if (is_kept(c, question, address, &result, a_r))
        return result;
    const size_t len = exchange(c, question, address);
    result = len ? unpack(c->answer, len, a_r) : USERS_TEMP;
    if (result != USERS_TEMP)
        g_hash_table_insert(c->kept, tables_packet_name(question, address), g_bytes_new(c->answer, len));
    return result;
}

static struct tables_client *client_new(const struct settings *s)
{
    struct tables_client *c = g_new0(struct tables_client, 1);
    c->users = (struct users_tables){s, ask, c};
    c->fd = -1;
    c->number = g_random_int();
    c->packet = g_string_new(NULL);
    c->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    return c;
}

struct tables_client *tables_client_new(const struct settings *s)
{
    struct tables_client *c = client_new(s);
    c->path = tables_client_at(&s->control).path;
    c->timeout_ms = WORKER_MS;
    c->answer = g_malloc(TABLES_PACKET_ANSWER_MAX);
    return c;
}

struct tables_client *tables_client_new_on(const struct settings *s, int fd)
{
    struct tables_client *c = client_new(s);
    c->fd = fd;
    c->timeout_ms = KEEPER_MS;
    c->answer = g_malloc(TABLES_PACKET_ANSWER_MAX);
    return c;
}

struct tables_client *tables_client_new_alone(const struct settings *s)
{
    struct tables_client *c = client_new(s);
    c->alone = user_tables_new(s, -1);
    return c;
}

void tables_client_free(struct tables_client **client)
{
    struct tables_client *c = *client;
    if (!c)
        return;
    hang_up(c);
    user_tables_free(&c->alone);
    g_string_free(c->packet, TRUE);
    g_hash_table_unref(c->kept);
    g_free(c->answer);
    g_free(c->path);
    g_clear_pointer(client, g_free);
}

void tables_client_trace(struct tables_client *c, void (*fn)(const struct user_tables_step *step, void *arg), void *arg)
{
    if (c && c->alone)
        user_tables_trace(c->alone, fn, arg);
}

const struct users_tables *tables_client_users(const struct tables_client *c)
{
    return c ? &c->users : NULL;
}
