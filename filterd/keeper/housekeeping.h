/* housekeeping: what the model store does when nobody asks: recovery, settling, forgetting. */
#ifndef FILTERD_KEEPER_HOUSEKEEPING_H
#define FILTERD_KEEPER_HOUSEKEEPING_H

#include "filterd/keeper/model_store_state.h"

/* Rolls back what a kill left half-written: readers, who may not write, cannot. Where that fails it is
 * logged, and harms nobody but whose file it is. */
void housekeeping_recover(const char *state_dir);
/* Day keys past signature_days are destroyed at once. Users are visited in rounds, at most one an
 * hour and some users at each tick, so that requests never wait long: their dead records go, and
 * what has settled is learnt. */
void housekeeping_tick(struct model_store *l);

#endif
