/* spf_process: the process that checks SPF for all workers, and may die of it.
 *
 * There are two: one answers, and the other takes over at the moment the first one is gone, whatever it
 * died of. One question of each asker is open at a time; a check is run again from its start as answers
 * come in (see spf.h), so that a domain whose servers are silent holds nobody else up. */
#ifndef RULES_AUTH_SPF_PROCESS_H
#define RULES_AUTH_SPF_PROCESS_H

#include "base/config/settings.h"

/* The CPU time one question may take, all its runs together. More is a loop, and ends the process. */
#define SPF_PROCESS_CPU_MS 500

struct spf_process_place {
    const struct settings *settings;
    int inside; /* the processes' end of the door */
    int before; /* at the end of this pipe, the process that answers now is gone; -1: this one answers */
    int life;   /* a pipe's end that nobody else holds: it tells the next one of our end; -1: none */
};

/* Closes the sandbox around this process, and answers until nobody holds the askers' end of the door. All
 * other descriptors but 0, 1 and 2 are closed. Returns an exit code. */
int spf_process_run(const struct spf_process_place *place);

#endif
