/* model: one owner's SQLite file. It holds what was learnt (a checkpoint and a journal, see model_learner.h)
 * and the records of delivered messages. Only the keeper opens it for writing. */
#ifndef CLASSIFIER_MODEL_H
#define CLASSIFIER_MODEL_H

#include <glib.h>
#include <stdbool.h>

/* The owner of the base, the model that all users of the site share. */
#define MODEL_SITE "(site)" /* cannot be an address */

#define MODEL_SILENT_DAYS 30
/* Version of the file's format, see base/store.h. 1: the last format from before versions were recorded; 2: with
 * the contents that were learnt. */
#define MODEL_VERSION 2

struct model;

/* Opens the user's model. NULL without *error_r: it does not exist (only when not for writing). NULL with
 * *error_r: an error, g_free. */
struct model *model_open(const char *state_dir, const char *user, bool for_writing,
                         char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* The same by path. */
struct model *model_open_file(const char *path, bool for_writing, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Paths of the files in state_dir/users that end in suffix (".db" or another); array of char*, unref it. NULL
 * with errno if the folder could not be read to its end; a missing folder counts as empty. */
GPtrArray *model_files(const char *state_dir, const char *suffix) __attribute__((warn_unused_result));
void model_free(struct model **m);
/* The owner recorded in the file, g_free; NULL if none is. False if the file cannot be read. */
bool model_user(struct model *m, char **user_r) __attribute__((warn_unused_result));

/* Begin and end a transaction; every write needs one. model_end(m, false) rolls back. */
bool model_begin(struct model *m);
bool model_end(struct model *m, bool commit);
/* True if the file at the model's path was replaced or removed since it was opened. */
bool model_is_stale(const struct model *m);

/* True if a user moved a message on that day or later. */
bool model_has_moves_since(struct model *m, const char *day);

struct model_figures {
    gint64 spam, ham;           /* messages learnt */
    gint64 records, moves;      /* records to learn from; the user's corrections in the journal */
    gint64 delivered;           /* records of the last 7 days */
    char last_move[11];         /* day of the last correction, "" if there was none */
};
/* False if any figure could not be read. */
bool model_figures(struct model *m, struct model_figures *f) __attribute__((warn_unused_result));
/* True if mail is delivered with signatures but no correction came for MODEL_SILENT_DAYS: unless the filter
 * never errs, the users' moves are not being reported. */
bool model_is_silent(const struct model_figures *f);

/* True if nothing was learnt and nothing is recorded: without the file all would be the same. */
bool model_is_empty(struct model *m);

/* The SQLite handle, for the keeper's record.c. Lent. */
struct sqlite3 *model_db(struct model *m);

#endif
