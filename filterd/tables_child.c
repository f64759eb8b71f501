/* Forks and ends the tables process. Called by master.c. */
#include "filterd/tables_child.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/log.h"
#include "filterd/tables/tables_process.h"

static struct children_other *other_at(const struct children *c, guint i)
{
    return &g_array_index(c->others, struct children_other, i);
}

static bool runs(const struct children *c)
{
    bool found = false;
    for (guint i = 0; i < c->others->len && !found; i++)
        found = other_at(c, i)->kind == CHILDREN_TABLES && !other_at(c, i)->leaving;
    return found;
}

void tables_child_start(struct children *c)
{
    if (!settings_has_tables(c->settings) || c->tables_fd < 0 || g_get_monotonic_time() < c->tables_not_before ||
        runs(c))
        return;
    const struct children_other o = {.pid = children_fork(c, "filterd-tables"), .what = "tables process",
                                     .kind = CHILDREN_TABLES, .life = -1, .started = g_get_monotonic_time()};
    if (o.pid == 0) {
        const struct tables_process_env env = {c->settings, c->tables_fd, c->tables_keeper[1]};
        explicit_bzero(&c->key, sizeof c->key);
        _exit(tables_process_run(&env));
    }
    if (o.pid > 0) {
        g_array_append_val(c->others, o);
    } else {
        log_warn("tables process: %s", g_strerror(errno));
        c->tables_not_before = g_get_monotonic_time() + G_USEC_PER_SEC;
    }
}

void tables_child_dismiss(struct children *c)
{
    for (guint i = 0; i < c->others->len; i++)
        if (other_at(c, i)->kind == CHILDREN_TABLES)
            other_at(c, i)->leaving = true;
    tables_child_kill(c, SIGUSR2);
}

int tables_child_left(const struct children *c)
{
    int n = 0;
    for (guint i = 0; i < c->others->len; i++)
        n += other_at(c, i)->kind == CHILDREN_TABLES;
    return n;
}

void tables_child_kill(const struct children *c, int sig)
{
    for (guint i = 0; i < c->others->len; i++)
        if (other_at(c, i)->kind == CHILDREN_TABLES)
            kill(other_at(c, i)->pid, sig);
}
