#include "filterd/fronts.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/session/milter_front.h"

#define READY_MS 10000

static struct children_other *front_at(const struct children *c, guint i)
{
    return &g_array_index(c->others, struct children_other, i);
}

static bool is_front(const struct children *c, guint i)
{
    return front_at(c, i)->kind == CHILDREN_FRONT;
}

static bool is_there(const struct children *c, size_t listener)
{
    for (guint i = 0; i < c->others->len; i++)
        if (is_front(c, i) && !front_at(c, i)->leaving && front_at(c, i)->listener == listener)
            return true;
    return false;
}

static bool start_one(struct children *c, size_t listener)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC))
        return false;
    const struct children_other f = {.pid = children_fork(c, "filterd-milter"),
                                     .what = "milter front", .listener = listener};
    if (f.pid == 0) {
        children_close_listeners(c);
        children_close_spf(c, false);
        if (c->control_fd >= 0)
            close(c->control_fd);
        close(ready[0]);
        explicit_bzero(&c->key, sizeof c->key);
        _exit(milter_front_run(c->settings, &c->settings->listeners[listener], ready[1]));
    }
    close(ready[1]);
    const bool ok = f.pid > 0 && children_await(ready[0], READY_MS);
    close(ready[0]);
    if (f.pid > 0)
        g_array_append_val(c->others, f);
    if (!ok)
        log_warn("the milter of [listener %s] did not come up",
                 c->settings->listeners[listener].name);
    return ok;
}

bool fronts_start(struct children *c)
{
    bool ok = true;
    for (size_t i = 0; i < c->settings->listener_count; i++)
        if (c->settings->listeners[i].protocol == PROTO_MILTER && !is_there(c, i))
            ok &= start_one(c, i);
    return ok;
}

void fronts_kill(struct children *c, int sig)
{
    for (guint i = 0; i < c->others->len; i++)
        if (is_front(c, i))
            kill(front_at(c, i)->pid, sig);
}

void fronts_dismiss(struct children *c)
{
    for (guint i = 0; i < c->others->len; i++)
        if (is_front(c, i))
            front_at(c, i)->leaving = true;
    fronts_kill(c, SIGTERM);
}

int fronts_left(const struct children *c)
{
    int n = 0;
    for (guint i = 0; i < c->others->len; i++)
        n += is_front(c, i);
    return n;
}
