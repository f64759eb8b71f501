/* worker: one process, one session at a time, no right to write anywhere. */
#ifndef FILTERD_WORKER_H
#define FILTERD_WORKER_H

#include "base/config/settings.h"
#include "base/sitekey.h"
#include "filterd/board.h"

struct worker_place {
    const struct settings *settings;
    const struct sitekey *key;
    const int *listen_fds; /* one per settings->listeners */
    int tutor_fd;          /* -1: none */
    int spf_door;          /* to the SPF processes; -1: none */
    int milter_fd;         /* where milter fronts ask; -1: none */
    struct board *board;
    struct slot *slot;
    int wake_fd; /* a byte to it tells the master to look at the board */
    pid_t master;
};

/* Runs until told to leave (SIGTERM) or worn out; returns the process' exit code.
 * SIGUSR1 gives up a connection that is between messages, SIGUSR2 one that waits in a transaction. */
int worker_run(const struct worker_place *place);

#endif
