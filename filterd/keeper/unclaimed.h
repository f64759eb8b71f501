/* unclaimed: records of mail to addresses that nobody has claimed yet, in one bounded store
 * (state_dir/unclaimed.db).
 *
 * Before the queue filterd cannot know whether an address exists, and a stranger can invent thousands. An
 * address gets a store of its own, with the records that it has here, when it trains, when a mailbox has taken mail
 * for it, or when users.db names it (a key, an alias, a setting). Of those whom the operator's tables name there may be
 * hundreds of thousands, with a key or without: they get one when they have several records here. The file is one of
 * models (model.h) without any model; a record's signature in it is the user, a line feed, and its own signature. */
#ifndef FILTERD_KEEPER_UNCLAIMED_H
#define FILTERD_KEEPER_UNCLAIMED_H

#include <glib.h>
#include <stdbool.h>

#include "classifier/model.h"
#include "filterd/keeper/model_store_state.h"
#include "filterd/keeper/record.h"

/* The store is at most so large. The oldest records go first; those of a user whom users.db names, into a store of their
 * own. */
#define UNCLAIMED_BYTES (128 * 1024 * 1024)

/* Whether an address is claimed. UNCLAIMED_UNSURE: that cannot be read now. */
enum unclaimed_state { UNCLAIMED_UNSURE, UNCLAIMED_YES, UNCLAIMED_NO };
enum unclaimed_state unclaimed_state(struct model_store *l, const char *user);
/* The same by tables alone, whether or not there is a store. */
enum unclaimed_state unclaimed_by_tables(struct model_store *l, const char *user);
/* The same by whether there is a store alone. */
enum unclaimed_state unclaimed_by_store(struct model_store *l, const char *user);
/* True if the record of a delivery belongs into the user's own store, although there may be none yet. named: a worker
 * says that the operator's tables name the user. */
bool unclaimed_wants_own(struct model_store *l, const char *user, bool named);
/* True if the user has records here: mail came for the address. */
bool unclaimed_has_any(struct model_store *l, const char *user);
/* True if it has UNCLAIMED_MANY of them. */
#define UNCLAIMED_MANY 8
bool unclaimed_has_many(struct model_store *l, const char *user);

/* Several records in one transaction: begin, add, end. False, with one line in *error_r (NULL if it was one
 * record that failed, as its signature exists). */
bool unclaimed_begin(struct model_store *l, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
bool unclaimed_add(struct model_store *l, const char *user, const struct record *r) G_GNUC_WARN_UNUSED_RESULT;
bool unclaimed_end(struct model_store *l, bool commit) G_GNUC_WARN_UNUSED_RESULT;
/* In between, if the store is too large: whose are its oldest records, up to the one that *last_r identifies? Array of
 * char*, unref it; empty: it is small enough. unclaimed_drop deletes them. */
GPtrArray *unclaimed_oldest(struct model_store *l, gint64 *last_r) G_GNUC_WARN_UNUSED_RESULT;
bool unclaimed_drop(struct model_store *l, gint64 last) G_GNUC_WARN_UNUSED_RESULT;
/* The next hop took the copy of this record. False if there is no such record here. */
bool unclaimed_confirm(struct model_store *l, const char *user, const char *signature);

/* Moves the user's records into their own store. A kill leaves them in one of both, or in both: then they are
 * moved when the store is opened next. */
bool unclaimed_move(struct model_store *l, const char *user, struct model *to) G_GNUC_WARN_UNUSED_RESULT;
bool unclaimed_forget(struct model_store *l, const char *user) G_GNUC_WARN_UNUSED_RESULT;
/* Deletes records of days before this one. */
void unclaimed_forget_before(struct model_store *l, const char *day);

/* For readers: the store's path, g_free; and the record of a signature, whose user is *user_r (g_free). wanted
 * NULL: of any user. NULL if there is none. */
char *unclaimed_path(const char *state_dir);
struct record *unclaimed_find(struct model *m, const char *wanted, const char *signature, char **user_r);

#endif
