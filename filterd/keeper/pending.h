/* pending records: records of deliveries on their way to disk.
 *
 * Each one on its own would be a transaction, and its confirmation another: together more processor
 * time than sealing the message. So they wait up to PENDING_MS and go to disk together, at once when
 * anything but another delivery is asked for. What a keeper that is killed takes with it is the chance
 * to learn from the deliveries of that time, as if it had been down. */
#ifndef FILTERD_KEEPER_PENDING_H
#define FILTERD_KEEPER_PENDING_H

#include "filterd/keeper/model_store_state.h"
#include "filterd/keeper/record.h"

enum { PENDING_MS = 1000, PENDING_RECORDS = 256 };

/* Takes the record over. */
void pending_add(struct model_store *l, const char *user, struct record *r);
/* One that waits; lent. NULL: it is not among them. */
struct record *pending_find(struct model_store *l, const char *user, const char *signature);
/* Writes them all; what cannot be written is logged and given up. */
void pending_write(struct model_store *l);
/* Milliseconds until they should be written, -1 if none waits. */
int pending_due_ms(const struct model_store *l);
void pending_free(struct model_store *l);

#endif
