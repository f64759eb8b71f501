/* Opens, keeps and closes the daemon's listening sockets. Called by master.c, and by milter_processes.c for the
 * log. */
#include "filterd/listening.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "base/socket_rights.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/peer_credentials.h"
#include "filterd/sockets.h"
#include "filterd/tables/tables_client.h"

/* The file of a unix socket, as it was when we made it: at its path another daemon may have put its own since. */
struct made {
    char *path;
    dev_t dev;
    ino_t ino;
};

#define PREDECESSOR_US (5 * G_USEC_PER_SEC)
#define RETRY_US G_USEC_PER_SEC
/* To try a unix socket that another process holds is to connect to it: less often. */
#define RETRY_TAKEN_US (30 * G_USEC_PER_SEC)
#define RETRY_SHARE 20

/* A milter process opens its listener itself; workers are reached through a socket of their own (milter_fd). */
static bool is_milter(const struct listener *l)
{
    return l->protocol == PROTO_MILTER;
}

static void clear_made(gpointer data)
{
    g_free(((struct made *)data)->path);
}

static void note_made(struct children *c, const struct endpoint *at)
{
    struct stat st;
    if (!at->path || lstat(at->path, &st))
        return;
    if (!c->made) {
        c->made = g_array_new(FALSE, FALSE, sizeof(struct made));
        g_array_set_clear_func(c->made, clear_made);
    }
    const struct made one = {g_strdup(at->path), st.st_dev, st.st_ino};
    g_array_append_val(c->made, one);
}

void listening_missed(struct children *c, size_t listener, int error, const char *line)
{
    if (c->missed[listener] || (error == EADDRINUSE && g_get_monotonic_time() < c->patience))
        return;
    c->missed[listener] = true;
    log_warn("[listener %s]: %s: not served until it can be had",
             c->settings->listeners[listener].name, line);
}

void listening_had(struct children *c, size_t listener)
{
    note_made(c, &c->settings->listeners[listener].at);
    if (c->missed[listener])
        log_info("[listener %s]: is served now", c->settings->listeners[listener].name);
    c->missed[listener] = false;
}

/* Children of a killed master may hold its sockets a moment longer: try until c->patience. -1 with a line for
 * the log, and errno. */
static int listen_patiently(const struct children *c, const struct endpoint *at, const struct socket_rights *rights,
                            char **error_r)
{
    int fd;
    while ((fd = sockets_listen(at, rights, c->settings->user, error_r)) < 0 && errno == EADDRINUSE && !*c->stop &&
           g_get_monotonic_time() < c->patience) {
        g_clear_pointer(error_r, g_free);
        g_usleep(G_USEC_PER_SEC / 4);
    }
    return fd;
}

static bool listen_or_say(struct children *c, const struct endpoint *at, const struct socket_rights *rights,
                          int *fd_r)
{
    g_autofree char *error = NULL;
    *fd_r = listen_patiently(c, at, rights, &error);
    if (*fd_r < 0)
        log_warn("%s", error);
    else
        note_made(c, at);
    return *fd_r >= 0;
}

static bool open_milter(struct children *c, const struct settings *s)
{
    bool wanted = false;
    for (size_t i = 0; i < s->listener_count; i++)
        wanted |= is_milter(&s->listeners[i]);
    if (!wanted || c->milter_fd >= 0)
        return true;
    static const struct socket_rights ours = {.mode = SOCKET_RIGHTS_OWNER};
    struct endpoint at = keeper_milter_at(&s->control);
    const bool ok = at.path && listen_or_say(c, &at, &ours, &c->milter_fd);
    g_free(at.path);
    return ok;
}

/* Where workers ask the tables' process, and the lines between it and the keeper, and the importer; they stay when a
 * process is started anew. */
static bool open_tables(struct children *c, const struct settings *s)
{
    g_autofree char *error = NULL;
    struct endpoint at = tables_client_at(&s->control);
    if (settings_has_tables(s) && c->tables_fd < 0) {
        c->tables_fd = sockets_listen_packets(&at, s->user, &error);
        if (c->tables_fd >= 0)
            note_made(c, &at);
    }
    if (error)
        log_warn("%s", error);
    if (c->tables_fd >= 0 && c->tables_keeper[0] < 0 &&
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, c->tables_keeper))
        c->tables_keeper[0] = c->tables_keeper[1] = -1;
    if (s->key_maps && c->importer[0] < 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, c->importer))
        c->importer[0] = c->importer[1] = -1;
    g_free(at.path);
    return (!settings_has_tables(s) || c->tables_fd >= 0) && (!s->key_maps || c->importer[0] >= 0);
}

/* Neither mode nor group of [control] is set: who may connect is told by train_users. */
static bool is_for_trainers(const struct settings *s)
{
    return s->control_rights.mode == SOCKET_RIGHTS_UNSET && !s->control_rights.group;
}

static bool open_control(struct children *c)
{
    const struct settings *s = c->settings;
    static const struct socket_rights own = {.mode = SOCKET_RIGHTS_OWNER};
    GArray *trainers = peer_credentials_trainers();
    const struct socket_rights listed = {.users = trainers}, *rights = is_for_trainers(s) ? &listed : &s->control_rights;
    struct endpoint learning = keeper_learn_at(&s->control), workers = keeper_workers_at(&s->control);
    const bool ok = listen_or_say(c, &s->control, rights, &c->control_fd) &&
                    (!workers.path || listen_or_say(c, &workers, &own, &c->keeper_fd)) &&
                    (!learning.path || listen_or_say(c, &learning, rights, &c->learn_fd)) && open_milter(c, s) &&
                    open_tables(c, s);
    g_free(learning.path);
    g_free(workers.path);
    g_array_unref(trainers);
    return ok;
}

static void admit(const char *path, const GArray *users)
{
    if (!socket_rights_admit(path, users))
        log_warn("%s: who may connect stays as it was: %s", path, g_strerror(errno));
}

void listening_admit_trainers(const struct settings *s)
{
    struct endpoint learning = keeper_learn_at(&s->control);
    GArray *trainers = peer_credentials_trainers();
    if (is_for_trainers(s)) {
        admit(s->control.path, trainers);
        admit(learning.path, trainers);
    }
    g_array_unref(trainers);
    g_free(learning.path);
}

/* Opens a listener that is not open. True if clients can be served by it. */
static bool open_listener(struct children *c, size_t i, bool patiently)
{
    g_autofree char *error = NULL;
    const struct listener *l = &c->settings->listeners[i];
    if (is_milter(l) || c->listen_fds[i] >= 0)
        return true;
    c->listen_fds[i] = patiently ? listen_patiently(c, &l->at, &l->rights, &error)
                                 : sockets_listen(&l->at, &l->rights, c->settings->user, &error);
    const int why = errno;
    if (c->listen_fds[i] < 0) {
        c->taken |= why == EADDRINUSE && l->at.path;
        listening_missed(c, i, why, error);
        return false;
    }
    listening_had(c, i);
    return true;
}

static bool open_listeners(struct children *c, bool patiently)
{
    bool any = false;
    for (size_t i = 0; i < c->settings->listener_count; i++)
        any |= open_listener(c, i, patiently);
    if (!any)
        log_warn("no listener can be had");
    return any;
}

static void make_room(struct children *c, const struct settings *s)
{
    c->listen_fds = g_new(int, s->listener_count + 1);
    c->missed = g_new0(bool, s->listener_count + 1);
    c->patience = g_get_monotonic_time() + PREDECESSOR_US;
    for (size_t i = 0; i < s->listener_count; i++)
        c->listen_fds[i] = -1;
}

/* Opens the control socket first: a second daemon with the same settings fails there, before it takes anything
 * from the first. */
bool listening_open(struct children *c)
{
    make_room(c, c->settings);
    return open_control(c) && open_listeners(c, true);
}

/* Keeps an open socket at the same address: a client that connects meanwhile is not refused. */
static int keep_socket(const struct children *old, const struct listener *l)
{
    for (size_t i = 0; i < old->settings->listener_count; i++) {
        const struct listener *before = &old->settings->listeners[i];
        if (old->listen_fds[i] < 0 || !sockets_same(&l->at, &before->at))
            continue;
        if (l->at.path && !socket_rights_same(&l->rights, &before->rights) &&
            !socket_rights_change(l->at.path, &l->rights))
            log_warn("[listener %s]: mode and group stay as they were: %s", l->name, g_strerror(errno));
        return dup(old->listen_fds[i]);
    }
    return -1;
}

bool listening_reopen(struct children *c, struct settings *s)
{
    if (!open_milter(c, s) || !open_tables(c, s))
        return false;
    struct children old = *c;
    make_room(c, s);
    c->settings = s;
    for (size_t i = 0; i < s->listener_count; i++)
        c->listen_fds[i] = is_milter(&s->listeners[i]) ? -1 : keep_socket(&old, &s->listeners[i]);
    const bool any = open_listeners(c, false);
    struct children *gone = any ? &old : c;
    listening_close(gone);
    if (!any)
        *c = old;
    return any;
}

bool listening_retry(struct children *c)
{
    bool any = false;
    c->taken = false;
    for (size_t i = 0; i < c->settings->listener_count; i++)
        if (!is_milter(&c->settings->listeners[i]) && c->listen_fds[i] < 0)
            any |= open_listener(c, i, false);
    return any;
}

/* Looking up a name without an answer takes time, in which the master does nothing else: wait accordingly. */
void listening_rest(struct children *c, gint64 begun)
{
    const gint64 now = g_get_monotonic_time();
    if (now >= c->patience)
        c->listen_again = now + MAX(c->taken ? RETRY_TAKEN_US : RETRY_US, RETRY_SHARE * (now - begun));
}

size_t listening_count(const struct children *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->settings->listener_count; i++)
        n += c->listen_fds[i] >= 0;
    return n;
}

void listening_shut(struct children *c)
{
    for (size_t i = 0; i < c->settings->listener_count; i++)
        shutdown(c->listen_fds[i], SHUT_RDWR);
    if (c->learn_fd >= 0)
        shutdown(c->learn_fd, SHUT_RDWR);
    listening_close(c);
}

void listening_close(struct children *c)
{
    for (size_t i = 0; c->listen_fds && i < c->settings->listener_count; i++)
        if (c->listen_fds[i] >= 0)
            close(c->listen_fds[i]);
    g_clear_pointer(&c->listen_fds, g_free);
    g_clear_pointer(&c->missed, g_free);
}

static void unlink_made(const struct made *made)
{
    struct stat st;
    if (lstat(made->path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_dev == made->dev && st.st_ino == made->ino)
        unlink(made->path);
}

void listening_unlink(struct children *c)
{
    for (guint i = 0; c->made && i < c->made->len; i++)
        unlink_made(&g_array_index(c->made, struct made, i));
    g_clear_pointer(&c->made, g_array_unref);
}
