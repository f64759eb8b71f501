/* model: one owner's SQLite file: what was learnt (a checkpoint and a journal, see model_learner.h)
 * and the records of what was delivered. Only the model store opens it for writing. */
#ifndef CLASSIFIER_MODEL_H
#define CLASSIFIER_MODEL_H

#include <glib.h>
#include <stdbool.h>

/* The owner of the base that all users of the site share. */
#define MODEL_SITE "(site)" /* which is no address */

#define MODEL_SILENT_DAYS 30
/* Of its file, see base/store.h. 1: as it was last before there were versions. */
#define MODEL_VERSION 1

struct model;

/* NULL with *error_r NULL: there is none (only when not for writing). With *error_r: g_free it. */
struct model *model_open(const char *state_dir, const char *user, bool for_writing,
                         char **error_r);
/* The same by its file's name. */
struct model *model_open_file(const char *path, bool for_writing, char **error_r);
/* Paths of state_dir/users that end in ".db" or another suffix; array of char*, unref it. NULL (errno)
 * if the folder could not be read to its end; one that is not there has none. */
GPtrArray *model_files(const char *state_dir, const char *suffix) __attribute__((warn_unused_result));
void model_free(struct model **m);
/* Whose it is, g_free; NULL if nobody said. False if it cannot be read. */
bool model_user(struct model *m, char **user_r) __attribute__((warn_unused_result));

/* Everything that writes stands between these. end(false) takes all of it back. */
bool model_begin(struct model *m);
bool model_end(struct model *m, bool commit);
/* True if the file at its path is no longer the one that was opened. */
bool model_is_stale(const struct model *m);

/* True if a user moved a message on that day or later. */
bool model_has_moves_since(struct model *m, const char *day);

struct model_figures {
    gint64 spam, ham;           /* messages learnt */
    gint64 records, moves;      /* what could still be learnt from; corrections in the journal */
    gint64 delivered;           /* records of the last 7 days */
    char last_move[11];         /* day of the last correction, "" if there was none */
};
/* False if not all of it could be read. */
bool model_figures(struct model *m, struct model_figures *f) __attribute__((warn_unused_result));
/* True if mail comes with signatures, but there was no correction for MODEL_SILENT_DAYS: unless the
 * filter is always right, what should report moves does not. */
bool model_is_silent(const struct model_figures *f);

/* The database itself, for record.c. Lent. */
struct sqlite3 *model_db(struct model *m);

#endif
