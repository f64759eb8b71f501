/* model: one user's SQLite file: the weights (one BLOB), the records of what was delivered to them,
 * and a journal of steps. Only the ledger opens it for writing. */
#ifndef CLASSIFIER_MODEL_H
#define CLASSIFIER_MODEL_H

#include <glib.h>
#include <stdbool.h>

#include "classifier/learner.h"

struct model;

/* NULL with *error_r NULL: there is none (only when not for writing). With *error_r: g_free it. */
struct model *model_open(const char *state_dir, const char *user, bool for_writing,
                         char **error_r);
/* The same by its file's name. */
struct model *model_open_file(const char *path, bool for_writing, char **error_r);
/* Paths of state_dir/users that end in ".db" or another suffix; array of char*, unref it. */
GPtrArray *model_files(const char *state_dir, const char *suffix);
void model_free(struct model **m);
/* Whose it is; NULL if that is not known. g_free. */
char *model_user(struct model *m);

/* Everything that writes stands between these. end(false) takes all of it back. */
bool model_begin(struct model *m);
bool model_end(struct model *m, bool commit);

/* The weights as stored, read again only if another process changed them; lent, NULL if they
 * cannot be read. A model that was never saved is all zeros. */
struct learner *model_learner(struct model *m);
bool model_save(struct model *m);
/* True if the file at its path is no longer the one that was opened. */
bool model_is_stale(const struct model *m);

/* kind: "move" (the user's word), "delivery", "settled", "train". signature may be NULL. */
bool model_journal(struct model *m, const char *kind, const char *signature, const char *class,
                   gint32 steps);
/* True if a user moved a message on that day or later. */
bool model_has_moves_since(struct model *m, const char *day);

struct model_figures {
    gint64 spam, ham, records, moves;
};
struct model_figures model_figures(struct model *m);

/* The database itself, for record.c. Lent. */
struct sqlite3 *model_db(struct model *m);

#endif
