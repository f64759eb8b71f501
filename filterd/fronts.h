/* fronts: the milters' processes, as the master starts and ends them. */
#ifndef FILTERD_FRONTS_H
#define FILTERD_FRONTS_H

#include <stdbool.h>
#include <stddef.h>

#include "filterd/children.h"

/* Starts those that are not there; again: also where it was said that the address cannot be had. */
void fronts_start(struct children *c, bool again);
/* At the start of the daemon: false if nobody is served by then, by another listener neither. */
bool fronts_start_all(struct children *c);
/* How many listeners somebody can connect to, the milters' and all others. */
size_t fronts_served(const struct children *c);
/* They are asked to end, and count no more as those of the settings: messages under way go on. */
void fronts_dismiss(struct children *c);
/* Those that have not ended yet. */
int fronts_left(const struct children *c);
void fronts_kill(struct children *c, int sig);

#endif
