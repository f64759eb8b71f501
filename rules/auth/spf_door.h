/* spf_door: how workers reach the SPF process, which others cannot.
 *
 * A pair of sockets that has no name anywhere: the askers inherit one end, the SPF processes the other. An
 * asker makes a line (a pair of sockets, too) and passes its far end through the door. A line lives as long
 * as the process that took it: its end tells the asker of that death. */
#ifndef RULES_AUTH_SPF_DOOR_H
#define RULES_AUTH_SPF_DOOR_H

#include <stdbool.h>
#include <sys/types.h>

enum spf_door_end { SPF_DOOR_INSIDE, SPF_DOOR_OUTSIDE }; /* of the processes, of the askers */

/* False, with errno, if there is none to be had. */
bool spf_door_make(int door_r[2]);
void spf_door_close(int door[2]);
/* A line to whichever process answers; -1 if there is none, and none to come. */
int spf_door_connect(int outside);
/* The far end of a line, and the process that made it; -1 if nobody waits, or what came is no line.
 * *closed_r: nobody holds the other end of the door any more. */
int spf_door_accept(int inside, pid_t *asker_r, bool *closed_r);

#endif
