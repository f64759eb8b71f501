/* backlog: records of deliveries on their way to disk.
 *
 * Each one on its own would be a transaction, and its confirmation another: together more processor
 * time than sealing the message. So they wait up to BACKLOG_MS and go to disk together, at once when
 * anything but another delivery is asked for. What a keeper that is killed takes with it is the chance
 * to learn from the deliveries of that time, as if it had been down. */
#ifndef FILTERD_KEEPER_BACKLOG_H
#define FILTERD_KEEPER_BACKLOG_H

#include "filterd/keeper/ledger_state.h"
#include "filterd/keeper/record.h"

enum { BACKLOG_MS = 1000, BACKLOG_RECORDS = 256 };

/* Takes the record over. */
void backlog_add(struct ledger *l, const char *user, struct record *r);
/* One that waits; lent. NULL: it is not among them. */
struct record *backlog_find(struct ledger *l, const char *user, const char *signature);
/* Writes them all; what cannot be written is logged and given up. */
void backlog_write(struct ledger *l);
/* Milliseconds until they should be written, -1 if none waits. */
int backlog_due_ms(const struct ledger *l);
void backlog_free(struct ledger *l);

#endif
