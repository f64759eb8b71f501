/* teaching: what a lesson does to the learners: the user's own and, if the user shares, the base. */
#ifndef FILTERD_KEEPER_TEACHING_H
#define FILTERD_KEEPER_TEACHING_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/ledger_state.h"
#include "filterd/keeper/record.h"

struct teaching {
    const char *user;
    bool spam; /* what to teach */
    const char *kind; /* for the journal, see model_learner.h */
    bool half;       /* see learner.h */
    bool silent;     /* nobody has seen it yet: its correspondent is not told */
    bool takes_back; /* undoes the lesson before; the message then counts as heard, that is all */
};

/* Undoes what the record taught before, teaches it anew and writes both down, all or nothing.
 * False with a line: the model could not be read or written, or the record's key is gone. */
bool teaching_record(struct ledger *l, struct model *m, struct record *r,
                     const struct teaching *what, char **text_r);
/* What the site's base adds to a user's score for these features; 0 without a base. */
double teaching_base(struct ledger *l, const GArray *features);
/* Puts a journal that has grown long into the checkpoint; inside a transaction. */
bool teaching_checkpoint(struct model *m, gint64 pending);

#endif
