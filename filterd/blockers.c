/* Ends who blocks the keeper. Called by master.c, again and again. */
#include "filterd/blockers.h"

#include <glib.h>
#include <stdbool.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"

/* What workers have started is looked for so long, as its parents end one after another. */
#define STRAYS_US (10 * G_USEC_PER_SEC)
/* A process that forks as fast as it can is caught after some of these. */
#define ROUNDS 100

static bool is_known(const struct children *c, pid_t pid)
{
    bool known = pid == c->keeper || scoreboard_of_pid(c->scoreboard, pid) >= 0;
    for (guint i = 0; i < c->others->len && !known; i++)
        known = g_array_index(c->others, struct children_other, i).pid == pid;
    return known;
}

/* Our own children are known; any other is an orphan of theirs, as the master is their subreaper (children_init).
 * Returns how many there were. */
static int end_strays(const struct children *c)
{
    g_autofree char *file = g_strdup_printf("/proc/self/task/%d/children", (int)getpid()), *text = NULL;
    int n = 0;
    if (!g_file_get_contents(file, &text, NULL, NULL))
        return 0;
    g_auto(GStrv) pids = g_strsplit(text, " ", -1);
    for (char **p = pids; *p; p++) {
        const pid_t pid = (pid_t)g_ascii_strtoll(*p, NULL, 10);
        if (pid > 1 && !is_known(c, pid))
            n += kill(pid, SIGKILL) == 0;
    }
    return n;
}

/* What asks the tables or imports keys reads users.db, too: it follows again. */
static const char *other_reader(const struct children *c, pid_t pid)
{
    const char *what = NULL;
    for (guint i = 0; i < c->others->len && !what; i++) {
        const struct children_other *o = &g_array_index(c->others, struct children_other, i);
        if (o->pid == pid && (o->kind == CHILDREN_TABLES || o->kind == CHILDREN_IMPORTER))
            what = o->what;
    }
    return what;
}

/* A worker cannot leave the session (sandbox_calls.c), nor can what it starts. */
static void end_holder(struct children *c, pid_t pid)
{
    const char *what = scoreboard_of_pid(c->scoreboard, pid) >= 0 ? "worker" : other_reader(c, pid);
    if (pid <= 1 || pid == getpid() || (!what && (is_known(c, pid) || getsid(pid) != getsid(0))))
        return;
    if (kill(pid, SIGKILL))
        return;
    if (what) {
        log_warn("%s %d kept the keeper from writing: ended", what, (int)pid);
        return;
    }
    log_warn("process %d, which a worker has started, kept the keeper from writing: ended, and all workers", (int)pid);
    children_kill(c, SIGKILL);
    c->strays_until = g_get_monotonic_time() + STRAYS_US;
}

void blockers_end(struct children *c)
{
    pid_t pid;
    while (c->blocked_fd >= 0 && read(c->blocked_fd, &pid, sizeof pid) == sizeof pid)
        end_holder(c, pid);
    for (int i = 0; i < ROUNDS && g_get_monotonic_time() < c->strays_until && end_strays(c); i++)
        children_reap(c);
}
