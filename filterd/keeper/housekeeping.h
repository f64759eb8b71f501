/* housekeeping: what the model store does without a request: recovery, settling, expiry. */
#ifndef FILTERD_KEEPER_HOUSEKEEPING_H
#define FILTERD_KEEPER_HOUSEKEEPING_H

#include "filterd/keeper/model_store_state.h"

/* Rolls back transactions that a killed keeper left half-written, as readers may not write. A failure is logged
 * and affects only the user whose file it is. */
void housekeeping_recover(const char *state_dir);
/* Destroys day keys older than signature_days at once. Visits all users in rounds, at most one round an hour
 * and some users at each tick, so that requests never wait long: deletes expired records and learns what has
 * settled. */
void housekeeping_tick(struct model_store *l);

#endif
