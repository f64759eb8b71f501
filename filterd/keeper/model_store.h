/* model store: the stores of models, records and users that the keeper writes; filterctl opens the same
 * where no keeper runs. What can be asked of it: keeper_verbs.h.
 *
 * The only writer of state_dir: users.db and users/NAME.db. */
#ifndef FILTERD_KEEPER_MODEL_STORE_H
#define FILTERD_KEEPER_MODEL_STORE_H

#include <glib.h>

#include "base/config/settings.h"
#include "base/sitekey.h"

struct model_store;

/* Locks state_dir (state_dir/lock, flock), recovers and opens the databases; makes folders that
 * are missing. NULL with *error_r (one line, g_free): busy or not writable. */
struct model_store *model_store_open(const struct settings *s, const struct sitekey *key, char **error_r);
void model_store_free(struct model_store **l);
/* Milliseconds until model_store_write wants to be called, -1: nothing waits to be written. */
int model_store_due_ms(const struct model_store *l);
/* What was told of deliveries goes to disk now; model_store_free and all but deliveries do it, too. */
void model_store_write(struct model_store *l);
/* Housekeeping, to be called about once a minute: day keys past signature_days are destroyed with
 * their records. */
void model_store_tick(struct model_store *l);

#endif
