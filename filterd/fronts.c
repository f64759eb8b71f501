#include "filterd/fronts.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/milter_front.h"

#define READY_MS 10000

struct front {
    pid_t pid;
    bool leaving;
    size_t listener; /* index; without meaning when it leaves */
};

static GArray *list_of(struct children *c)
{
    if (!c->fronts)
        c->fronts = g_array_new(FALSE, TRUE, sizeof(struct front));
    return c->fronts;
}

static bool is_there(struct children *c, size_t listener)
{
    const GArray *list = list_of(c);
    for (guint i = 0; i < list->len; i++) {
        const struct front *f = &g_array_index(list, struct front, i);
        if (!f->leaving && f->listener == listener)
            return true;
    }
    return false;
}

static bool start_one(struct children *c, size_t listener)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC))
        return false;
    const struct front f = {.pid = children_fork(c, "filterd-milter"), .listener = listener};
    if (f.pid == 0) {
        children_close_listeners(c);
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
        g_array_append_val(list_of(c), f);
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
    const GArray *list = list_of(c);
    for (guint i = 0; i < list->len; i++)
        kill(g_array_index(list, struct front, i).pid, sig);
}

void fronts_dismiss(struct children *c)
{
    GArray *list = list_of(c);
    for (guint i = 0; i < list->len; i++)
        g_array_index(list, struct front, i).leaving = true;
    fronts_kill(c, SIGTERM);
}

bool fronts_ended(struct children *c, pid_t pid)
{
    GArray *list = list_of(c);
    for (guint i = 0; i < list->len; i++) {
        if (g_array_index(list, struct front, i).pid != pid)
            continue;
        g_array_remove_index_fast(list, i);
        return true;
    }
    return false;
}

int fronts_left(const struct children *c)
{
    return c->fronts ? (int)c->fronts->len : 0;
}
