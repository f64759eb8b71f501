/* spf_process: the process that checks SPF for all workers, and may die of it.
 *
 * Two are running: one answers, the other takes over the moment the first is gone, whatever it died of. Each
 * asker (worker) has at most one open question. A check is run again from its start as answers arrive (see
 * spf.h), so a domain with silent name servers delays nobody else. */
#ifndef RULES_AUTH_SPF_PROCESS_H
#define RULES_AUTH_SPF_PROCESS_H

#include "base/config/settings.h"

/* CPU time limit for one question, all its runs together. A check that takes more is in a loop, and the process
 * dies (SIGPROF). */
#define SPF_PROCESS_CPU_MS 500

struct spf_process_env {
    const struct settings *settings;
    int inside; /* the SPF processes' end of the door */
    int before; /* pipe that closes when the process that answers now is gone; -1: this process answers at once */
    int life;   /* end of a pipe that only this process holds: its death tells the next one; -1: none */
};

/* Closes the sandbox around this process, waits for its turn and answers questions until no process holds the
 * outer end of the door. Closes all descriptors except 0, 1, 2 and those in place. Returns an exit code. */
int spf_process_run(const struct spf_process_env *env);

#endif
