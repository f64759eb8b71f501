/* train_apply: changes the learners: the user's own and, if the user shares, the site's base. */
#ifndef FILTERD_KEEPER_TRAIN_APPLY_H
#define FILTERD_KEEPER_TRAIN_APPLY_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/model_store_state.h"
#include "filterd/keeper/record.h"

struct train_apply {
    const char *user;
    bool spam; /* the class to teach */
    const char *kind; /* for the journal, see model_learner.h */
    bool half;       /* see learner.h */
    bool silent;     /* no user has confirmed it: do not count it for the known sender */
    bool takes_back; /* undoes the earlier training; the message then only counts as heard */
};

/* Undoes what the record taught before, teaches it anew and writes model and record, all or nothing. False with
 * one line: the model could not be read or written, or the record's key is gone. */
bool train_apply_record(struct model_store *l, struct model *m, struct record *r,
                     const struct train_apply *what, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* What the site's base adds to a user's score for these features; 0 without a base. */
double train_apply_base(struct model_store *l, const GArray *features);
/* Writes a journal that has grown long into the checkpoint; call it inside a transaction. */
bool train_apply_checkpoint(struct model *m, gint64 pending);

#endif
