/* worker: a process that serves one session at a time and may not write to any file. */
#ifndef FILTERD_WORKER_H
#define FILTERD_WORKER_H

#include "base/config/settings.h"
#include "base/config/state.h"
#include "base/sitekey.h"
#include "filterd/scoreboard.h"

struct worker_env {
    const struct settings *settings;
    const struct state *state; /* each message looks whether it is still there */
    struct sitekey *key; /* the process's only copy when it begins */
    const int *listen_fds; /* one per settings->listeners */
    int learn_fd;          /* where learn sessions come from; -1: none */
    int spf_door;          /* -1: no SPF processes */
    int milter_fd;         /* where milter processes ask; -1: none */
    struct scoreboard *scoreboard;
    struct slot *slot;
    int wake_fd; /* writing a byte to it makes the master look at the scoreboard */
    pid_t master;
};

/* Runs until SIGTERM or until it is worn out; returns the exit code of the process. SIGUSR1 ends a session that
 * is between messages, SIGUSR2 also one that waits inside a transaction. */
int worker_run(const struct worker_env *env);

#endif
