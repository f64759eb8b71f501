/* pending records: records of deliveries that wait in the keeper's memory to be written.
 *
 * Writing each at once would cost a transaction, and another for its confirmation: more CPU time than sealing
 * the message. So they wait up to PENDING_MS and are written together, and before any request that is not about
 * a delivery. If the keeper is killed, the deliveries of that time cannot be learnt from, as if it had been
 * down. */
#ifndef FILTERD_KEEPER_PENDING_H
#define FILTERD_KEEPER_PENDING_H

#include "filterd/keeper/model_store_state.h"
#include "filterd/keeper/record.h"

enum { PENDING_MS = 1000, PENDING_RECORDS = 256 };

/* Takes r over. named: see unclaimed_wants_own. */
void pending_add(struct model_store *l, const char *user, bool named, struct record *r);
/* The pending record with this signature; lent. NULL: none. */
struct record *pending_find(struct model_store *l, const char *user, const char *signature);
/* Writes all pending records; a record that cannot be written is logged and dropped. */
void pending_write(struct model_store *l);
/* Milliseconds until they are due to be written; -1: none is pending. */
int pending_due_ms(const struct model_store *l);
void pending_free(struct model_store *l);

#endif
