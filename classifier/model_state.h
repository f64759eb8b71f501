/* model_state: what model.c and model_learner.c share. */
#ifndef CLASSIFIER_MODEL_STATE_H
#define CLASSIFIER_MODEL_STATE_H

#include <glib.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "classifier/learner.h"

struct model {
    sqlite3 *db;
    char *path;
    dev_t dev;
    ino_t ino;
    struct learner *learner; /* NULL: not read, or no longer to be trusted */
    gint64 version;          /* PRAGMA data_version when it was read */
    gint64 applied;          /* the last row of the journal that is in it */
};

/* One number, or otherwise if there is none; text may be NULL. */
gint64 model_number(struct model *m, const char *sql, const char *text, gint64 otherwise);

#endif
