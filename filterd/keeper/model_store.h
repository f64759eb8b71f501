/* model store: the databases of models, records and users: users.db and users/NAME.db in state_dir. Only the
 * keeper writes them, or filterctl where no keeper runs. keeper_verbs.h lists the requests. */
#ifndef FILTERD_KEEPER_MODEL_STORE_H
#define FILTERD_KEEPER_MODEL_STORE_H

#include <glib.h>

#include "base/config/settings.h"
#include "base/sitekey.h"

struct model_store;
struct users_tables;

/* Locks state_dir (state_dir/lock, flock), makes missing folders, recovers and opens the databases. NULL with
 * *error_r (one line, g_free): not writable, or another process has had it locked for wait_ms. */
struct model_store *model_store_open(const struct settings *s, const struct sitekey *key, int wait_ms,
                                     char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void model_store_free(struct model_store **l);
/* From now on a login that no store knows is looked up in the operator's tables, too (lent). */
void model_store_ask(struct model_store *l, const struct users_tables *tables);
/* The descriptor of state_dir/lock; lent. */
int model_store_lock_fd(const struct model_store *l);
/* Milliseconds until model_store_write is due; -1: no records are pending. */
int model_store_due_ms(const struct model_store *l);
/* Writes pending records to disk now. model_store_free does that too, and so does every request other than
 * those of deliveries. */
void model_store_write(struct model_store *l);
/* Housekeeping, to be called about once a minute: expires records and learns what has settled (housekeeping.h). */
void model_store_tick(struct model_store *l);

#endif
