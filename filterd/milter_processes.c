/* Forks one milter process for each milter listener. Called by master.c. */
#include "filterd/milter_processes.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "base/socket_rights.h"
#include "filterd/listening.h"
#include "filterd/session/milter_front.h"
#include "filterd/sockets.h"

#define READY_MS 10000

static struct children_other *milter_at(const struct children *c, guint i)
{
    return &g_array_index(c->others, struct children_other, i);
}

static bool is_milter(const struct children *c, guint i)
{
    return milter_at(c, i)->kind == CHILDREN_MILTER;
}

static bool is_there(const struct children *c, size_t listener)
{
    for (guint i = 0; i < c->others->len; i++)
        if (is_milter(c, i) && !milter_at(c, i)->leaving && milter_at(c, i)->listener == listener)
            return true;
    return false;
}

static char *place_of(const struct endpoint *at)
{
    return at->path ? g_strconcat("unix:", at->path, NULL) : g_strdup_printf("inet:%s:%s", at->host, at->port);
}

static struct children_milter_socket *socket_at(const struct children *c, guint i)
{
    return &g_array_index(c->milter_sockets, struct children_milter_socket, i);
}

/* The socket that the master keeps for this listener; -1: none. */
static int kept_socket(const struct children *c, size_t listener)
{
    g_autofree char *at = place_of(&c->settings->listeners[listener].at);
    for (guint i = 0; i < c->milter_sockets->len; i++)
        if (strcmp(socket_at(c, i)->at, at) == 0)
            return socket_at(c, i)->fd;
    return -1;
}

static bool start_one(struct children *c, size_t listener)
{
    int ready[2];
    const int listening = dup(kept_socket(c, listener)); /* the child closes those that the master keeps */
    if (listening < 0 || pipe2(ready, O_CLOEXEC)) {
        if (listening >= 0)
            close(listening);
        return false;
    }
    struct children_other f = {.pid = children_fork(c, "filterd-milter"),
                                     .what = "milter front", .listener = listener};
    if (f.pid == 0) {
        children_close_listeners(c);
        children_close_spf(c, false);
        children_close_tables(c, false);
        children_close_keeper(c);
        close(ready[0]);
        explicit_bzero(&c->key, sizeof c->key);
        _exit(milter_front_run(c->settings, &c->settings->listeners[listener], listening, ready[1]));
    }
    close(ready[1]);
    close(listening);
    const bool ok = f.pid > 0 && children_await(ready[0], READY_MS);
    close(ready[0]);
    f.leaving = !ok;
    if (f.pid > 0)
        g_array_append_val(c->others, f);
    if (f.pid > 0 && !ok)
        kill(f.pid, SIGTERM);
    if (!ok)
        log_warn("the milter of [listener %s] did not come up",
                 c->settings->listeners[listener].name);
    return ok;
}

/* Opens the listener's socket, unless it is kept from before. */
static bool can_listen(struct children *c, size_t listener)
{
    const struct listener *l = &c->settings->listeners[listener];
    g_autofree char *error = NULL;
    if (kept_socket(c, listener) >= 0) {
        if (l->at.path && !socket_rights_change(l->at.path, &l->rights))
            log_warn("[listener %s]: mode and group stay as they were: %s", l->name, g_strerror(errno));
        return true;
    }
    const struct children_milter_socket made = {
        place_of(&l->at), sockets_listen(&l->at, &l->rights, c->settings->user, &error)};
    if (made.fd < 0) {
        listening_missed(c, listener, errno, error);
        g_free(made.at);
        return false;
    }
    g_array_append_val(c->milter_sockets, made);
    return true;
}

static bool is_in_settings(const struct children *c, const char *at)
{
    for (size_t i = 0; i < c->settings->listener_count; i++) {
        g_autofree char *place = place_of(&c->settings->listeners[i].at);
        if (c->settings->listeners[i].protocol == PROTO_MILTER && strcmp(place, at) == 0)
            return true;
    }
    return false;
}

static void close_sockets(struct children *c, bool all)
{
    for (guint i = c->milter_sockets->len; i-- > 0;) {
        struct children_milter_socket *s = socket_at(c, i);
        if (!all && is_in_settings(c, s->at))
            continue;
        close(s->fd);
        g_free(s->at);
        g_array_remove_index_fast(c->milter_sockets, i);
    }
}

static bool is_wanted(const struct children *c, size_t listener, bool again)
{
    return c->settings->listeners[listener].protocol == PROTO_MILTER && !is_there(c, listener) &&
           (again || !c->missed[listener]);
}

void milter_processes_start(struct children *c, bool again)
{
    for (size_t i = 0; i < c->settings->listener_count; i++)
        if (is_wanted(c, i, again) && can_listen(c, i) && start_one(c, i))
            listening_had(c, i);
}

size_t milter_processes_served(const struct children *c)
{
    size_t n = listening_count(c);
    for (size_t i = 0; i < c->settings->listener_count; i++)
        n += is_there(c, i);
    return n;
}

bool milter_processes_start_all(struct children *c)
{
    milter_processes_start(c, true);
    while (!milter_processes_served(c) && g_get_monotonic_time() < c->patience && !*c->stop) {
        g_usleep(G_USEC_PER_SEC / 20);
        children_relay_log(c);
        children_reap(c);
        milter_processes_start(c, true);
    }
    if (!milter_processes_served(c))
        log_warn("no listener can be had");
    return milter_processes_served(c) > 0;
}

void milter_processes_kill(struct children *c, int sig)
{
    for (guint i = 0; i < c->others->len; i++)
        if (is_milter(c, i))
            kill(milter_at(c, i)->pid, sig);
}

void milter_processes_replace(struct children *c)
{
    for (guint i = 0; i < c->others->len; i++) {
        if (!is_milter(c, i) || milter_at(c, i)->leaving)
            continue;
        milter_at(c, i)->leaving = true;
        kill(milter_at(c, i)->pid, SIGUSR1);
    }
    close_sockets(c, false);
}

void milter_processes_dismiss(struct children *c)
{
    for (guint i = 0; i < c->others->len; i++)
        if (is_milter(c, i))
            milter_at(c, i)->leaving = true;
    milter_processes_kill(c, SIGTERM);
    close_sockets(c, true);
}

int milter_processes_left(const struct children *c)
{
    int n = 0;
    for (guint i = 0; i < c->others->len; i++)
        n += is_milter(c, i);
    return n;
}
