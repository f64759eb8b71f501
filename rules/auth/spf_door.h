/* spf_door: connects workers to the SPF processes, and lets nobody else in.
 *
 * The door is a socket pair without a name: workers inherit one end, the SPF processes the other. A worker
 * makes a line (another socket pair), keeps one end and passes the other through the door. When the SPF process
 * that took it dies, the line closes, which tells the worker. */
#ifndef RULES_AUTH_SPF_DOOR_H
#define RULES_AUTH_SPF_DOOR_H

#include <stdbool.h>
#include <sys/types.h>

enum spf_door_end { SPF_DOOR_INSIDE, SPF_DOOR_OUTSIDE }; /* the SPF processes' end; the workers' end */

/* False with errno if the sockets cannot be made. */
bool spf_door_make(int door_r[2]);
void spf_door_close(int door[2]);
/* Makes a line to the SPF process that answers next; -1 if the door is closed or no line can be made. */
int spf_door_connect(int outside);
/* Takes one line out of the door, with the pid of the process that made it. -1 if none is waiting, or what came
 * is not a line. *closed_r: no process holds the outer end any more. */
int spf_door_accept(int inside, pid_t *asker_r, bool *closed_r);

#endif
