/* The SPF processes, as the master sees them. Called by master.c. */
#include "filterd/spf_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/log.h"
#include "filterd/children_others.h"
#include "rules/auth/spf_door.h"
#include "rules/auth/spf_process.h"

static struct children_other *other_at(const struct children *c, guint i)
{
    return &g_array_index(c->others, struct children_other, i);
}

/* Counts the SPF processes of the current door. *one_r: one that answers or will answer, so that the next one
 * can wait for its end; NULL: none. */
static int count(const struct children *c, const struct children_other **one_r)
{
    int n = 0;
    *one_r = NULL;
    for (guint i = 0; i < c->others->len; i++) {
        const struct children_other *o = other_at(c, i);
        if (o->kind != CHILDREN_SPF || o->leaving)
            continue;
        *one_r = o;
        n++;
    }
    return n;
}

bool spf_pair_open(struct children *c, const struct settings *s)
{
    c->spf_door[SPF_DOOR_INSIDE] = c->spf_door[SPF_DOOR_OUTSIDE] = -1;
    if (!s->spf || spf_door_make(c->spf_door))
        return true;
    log_warn("SPF: no door to its processes: %s", g_strerror(errno));
    return false;
}

static bool start_one(struct children *c, const struct children_other *before)
{
    int life[2];
    if (pipe2(life, O_CLOEXEC))
        return false;
    const struct children_other o = {.pid = children_fork(c, "filterd-spf"), .what = "SPF process",
                                     .kind = CHILDREN_SPF, .life = life[0],
                                     .started = g_get_monotonic_time()};
    if (o.pid == 0) {
        const struct spf_process_env env = {c->settings, c->spf_door[SPF_DOOR_INSIDE],
                                                before ? before->life : -1, life[1]};
        explicit_bzero(&c->key, sizeof c->key);
        _exit(spf_process_run(&env));
    }
    close(life[1]);
    if (o.pid > 0)
        g_array_append_val(c->others, o);
    else
        close(life[0]);
    return o.pid > 0;
}

/* Workers share the door and never shut it: one that did was captured by an attacker. Replaces all workers and
 * the door. */
static void mend_door(struct children *c)
{
    c->spf_shut = false;
    log_warn("SPF: somebody shut the door to its processes; all workers are replaced");
    if (spf_pair_renew(c, c->settings))
        children_dismiss_workers(c);
}

void spf_pair_start(struct children *c)
{
    const struct children_other *before;
    if (c->spf_shut)
        mend_door(c);
    if (c->spf_door[SPF_DOOR_INSIDE] < 0 || g_get_monotonic_time() < c->spf_not_before)
        return;
    while (count(c, &before) < 2)
        if (!start_one(c, before)) {
            log_warn("SPF process: %s", g_strerror(errno));
            c->spf_not_before = g_get_monotonic_time() + G_USEC_PER_SEC;
            return;
        }
}

void spf_pair_dismiss(struct children *c)
{
    children_others_leave(c, CHILDREN_SPF);
    spf_door_close(c->spf_door);
}

bool spf_pair_renew(struct children *c, const struct settings *s)
{
    int old[2] = {c->spf_door[0], c->spf_door[1]};
    if (!spf_pair_open(c, s)) {
        memcpy(c->spf_door, old, sizeof old);
        return false;
    }
    int new[2] = {c->spf_door[0], c->spf_door[1]};
    memcpy(c->spf_door, old, sizeof old);
    spf_pair_dismiss(c);
    memcpy(c->spf_door, new, sizeof new);
    return true;
}
