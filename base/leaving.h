/* leaving: how a process that serves others beside the workers is told to end: SIGUSR2, or its master is gone. */
#ifndef BASE_LEAVING_H
#define BASE_LEAVING_H

#include <stdbool.h>
#include <sys/types.h>

/* Call it once, after the fork; master: the parent that it serves. SIGTERM comes when the master is gone, or to all
 * processes of the service: then it goes on, as workers that finish still ask it. */
void leaving_prepare(pid_t master);
/* True once it has to end. */
bool leaving_now(void);

#endif
