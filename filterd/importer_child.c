/* Forks the importer. Called by master.c. */
#include "filterd/importer_child.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/log.h"
#include "filterd/children_others.h"
#include "filterd/importer/importer_process.h"

void importer_child_start(struct children *c)
{
    if (!c->settings->key_maps || c->importer[0] < 0 || g_get_monotonic_time() < c->importer_not_before ||
        children_others_run(c, CHILDREN_IMPORTER))
        return;
    const struct children_other o = {.pid = children_fork(c, "filterd-import"), .what = "importer",
                                     .kind = CHILDREN_IMPORTER, .life = -1, .started = g_get_monotonic_time()};
    if (o.pid == 0) {
        explicit_bzero(&c->key, sizeof c->key);
        _exit(importer_process_run(c->settings, c->importer[0]));
    }
    if (o.pid > 0) {
        g_array_append_val(c->others, o);
    } else {
        log_warn("importer: %s", g_strerror(errno));
        c->importer_not_before = g_get_monotonic_time() + G_USEC_PER_SEC;
    }
}

void importer_child_dismiss(struct children *c)
{
    children_others_leave(c, CHILDREN_IMPORTER);
    children_others_kill(c, CHILDREN_IMPORTER, SIGUSR2);
}
