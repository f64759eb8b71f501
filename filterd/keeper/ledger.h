/* ledger: what the keeper does with a request; filterctl runs the same code where no keeper runs.
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
/* Carries out one request (see filterd/keeper/keeper.h); returns a sysexits code, *text_r one line. What else
 * it gives back goes into results (may be NULL). */
int ledger_handle(struct ledger *l, const char *verb, GVariant *arguments, GVariantDict *results,
                  char **text_r);
/* Milliseconds until ledger_write wants to be called, -1: nothing waits to be written. */
int ledger_due_ms(const struct ledger *l);
/* What was told of deliveries goes to disk now; ledger_free and all but deliveries do it, too. */
void ledger_write(struct ledger *l);
/* Housekeeping, to be called about once a minute: day keys past signature_days are destroyed with
 * their records. */
void ledger_tick(struct ledger *l);

#endif
