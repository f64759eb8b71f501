/* fronts: the milters' processes, as the master starts and ends them. */
#ifndef FILTERD_FRONTS_H
#define FILTERD_FRONTS_H

#include <stdbool.h>

#include "filterd/children.h"

/* Starts those that are not there; false if one could not listen or did not come up. */
bool fronts_start(struct children *c);
/* They are asked to end, and count no more as those of the settings: messages under way go on. */
void fronts_dismiss(struct children *c);
/* Those that have not ended yet. */
int fronts_left(const struct children *c);
void fronts_kill(struct children *c, int sig);

#endif
