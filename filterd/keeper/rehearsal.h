/* rehearsal: bulk training that does not forget.
 *
 * People teach a whole folder of spam and then one of ham. A learner that sees a thousand of one
 * kind in a row unlearns the other (all spam of a corpus was missed so). So a sample of what was
 * trained is kept, sealed and short-lived like any record, and while one class is trained, samples
 * of the other are heard again in between. */
#ifndef FILTERD_KEEPER_REHEARSAL_H
#define FILTERD_KEEPER_REHEARSAL_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/ledger_state.h"

struct rehearsal {
    struct ledger *ledger;
    const char *user; /* MODEL_SITE for the base */
    const char *class; /* "spam" or "ham" */
    struct model *model;
    guint right; /* comes out: messages that were on the right side before they were learnt */
};

/* Teaches the messages (array of GArray* of features) and keeps samples; inside a transaction.
 * False, with one line in *error_r (g_free) or none, if something could not be read or written. */
bool rehearsal_train(struct rehearsal *r, const GPtrArray *messages, char **error_r);

#endif
