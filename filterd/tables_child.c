/* Forks the tables process. Called by master.c. */
#include "filterd/tables_child.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/log.h"
#include "filterd/children_others.h"
#include "filterd/tables/tables_process.h"

void tables_child_start(struct children *c)
{
    if (!settings_has_tables(c->settings) || c->tables_fd < 0 || g_get_monotonic_time() < c->tables_not_before ||
        children_others_run(c, CHILDREN_TABLES))
        return;
    const struct children_other o = {.pid = children_fork(c, "filterd-tables"), .what = "tables process",
                                     .kind = CHILDREN_TABLES, .life = -1, .started = g_get_monotonic_time()};
    if (o.pid == 0) {
        const struct tables_process_env env = {c->settings, c->tables_fd, c->tables_keeper[1], c->importer[1]};
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
    children_others_leave(c, CHILDREN_TABLES);
    children_others_kill(c, CHILDREN_TABLES, SIGUSR2);
}
