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
    struct learner *learner; /* NULL: not read yet, or possibly ahead of the file */
    gint64 version;          /* PRAGMA data_version when learner was read */
    gint64 applied;          /* id of the last journal row applied to learner */
};

/* The number that a query returns, or `otherwise` if it returns none. text: its parameter, may be NULL. */
gint64 model_number(struct model *m, const char *sql, const char *text, gint64 otherwise);

#endif
