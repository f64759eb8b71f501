/* ledger: the stores of models, records and users that the keeper writes; filterctl opens the same
 * where no keeper runs. What can be asked of it: keeper_verbs.h.
 *
 * The only writer of state_dir: users.db and users/NAME.db. */
#ifndef FILTERD_KEEPER_LEDGER_H
#define FILTERD_KEEPER_LEDGER_H

#include <glib.h>

#include "base/config/settings.h"
#include "base/sitekey.h"

struct ledger;

/* Locks state_dir (state_dir/lock, flock), recovers and opens the databases; makes folders that
 * are missing. NULL with *error_r (one line, g_free): busy or not writable. */
struct ledger *ledger_open(const struct settings *s, const struct sitekey *key, char **error_r);
void ledger_free(struct ledger **l);
/* Milliseconds until ledger_write wants to be called, -1: nothing waits to be written. */
int ledger_due_ms(const struct ledger *l);
/* What was told of deliveries goes to disk now; ledger_free and all but deliveries do it, too. */
void ledger_write(struct ledger *l);
/* Housekeeping, to be called about once a minute: day keys past signature_days are destroyed with
 * their records. */
void ledger_tick(struct ledger *l);

#endif
