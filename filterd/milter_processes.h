/* milter_processes: how the master starts and ends its milter processes. */
#ifndef FILTERD_MILTER_PROCESSES_H
#define FILTERD_MILTER_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>

#include "filterd/children.h"

/* Starts those that do not run; again: also those whose address could not be opened before. */
void milter_processes_start(struct children *c, bool again);
/* Starts all when the daemon starts. False: no listener at all can be served, neither a milter's nor another. */
bool milter_processes_start_all(struct children *c);
/* How many listeners clients can connect to, milters and all others. */
size_t milter_processes_served(const struct children *c);
/* After a reload: tells them to end when their connections have, and others follow them. Closes the sockets whose
 * address the settings no longer have. */
void milter_processes_replace(struct children *c);
/* Tells them to end; they finish messages under way, and no client connects any more. */
void milter_processes_dismiss(struct children *c);
/* How many have not ended yet. */
int milter_processes_left(const struct children *c);
void milter_processes_kill(struct children *c, int sig);

#endif
