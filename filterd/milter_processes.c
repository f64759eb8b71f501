/* Forks one milter process for each milter listener. Called by master.c. */
#include "filterd/milter_processes.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/log.h"
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

static bool start_one(struct children *c, size_t listener)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC))
        return false;
    struct children_other f = {.pid = children_fork(c, "filterd-milter"),
                                     .what = "milter front", .listener = listener};
    if (f.pid == 0) {
        children_close_listeners(c);
        children_close_spf(c, false);
        children_close_keeper(c);
        close(ready[0]);
        explicit_bzero(&c->key, sizeof c->key);
        _exit(milter_front_run(c->settings, &c->settings->listeners[listener], ready[1]));
    }
    close(ready[1]);
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

/* Tries the address in the master: a milter process that waited for it would hold up all others. */
static bool can_listen(struct children *c, size_t listener)
{
    g_autofree char *error = NULL;
    const int fd = sockets_listen(&c->settings->listeners[listener].at, &error);
    if (fd < 0)
        listening_missed(c, listener, errno, error);
    else
        close(fd);
    return fd >= 0;
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

void milter_processes_dismiss(struct children *c)
{
    for (guint i = 0; i < c->others->len; i++)
        if (is_milter(c, i))
            milter_at(c, i)->leaving = true;
    milter_processes_kill(c, SIGTERM);
}

int milter_processes_left(const struct children *c)
{
    int n = 0;
    for (guint i = 0; i < c->others->len; i++)
        n += is_milter(c, i);
    return n;
}
