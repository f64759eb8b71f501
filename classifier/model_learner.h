/* model_learner: stores a learner in its model's file, as a checkpoint (three BLOBs) and a journal of steps.
 *
 * Learning one message writes one short journal row; the BLOBs are written only when many rows have piled up.
 * Readers apply the new rows to the learner they have in memory. A row's buckets are cleared once the
 * checkpoint includes it. Call all functions between model_begin and model_end. */
#ifndef CLASSIFIER_MODEL_LEARNER_H
#define CLASSIFIER_MODEL_LEARNER_H

#include <glib.h>
#include <stdbool.h>

#include "classifier/learner.h"
#include "classifier/model.h"

/* The learner as it is stored now; lent until the next call. NULL if it cannot be read. In a new model all is
 * zero. */
struct learner *model_learner(struct model *m);

struct model_lesson {
    const char *kind;      /* "move" (the user's word), "delivery", "settled", "train" */
    const char *signature; /* of the learnt message; NULL if none */
    bool spam;
    struct learner_step step; /* already applied to the learner of model_learner() */
};

/* Writes one row into the journal. buckets NULL: for the history only, because a checkpoint follows at once. */
bool model_learner_note(struct model *m, const struct model_lesson *lesson, const GArray *buckets);
/* Writes the BLOBs and clears the buckets of the journal's rows. */
bool model_learner_checkpoint(struct model *m);
/* Number of journal rows that the checkpoint does not include yet. */
gint64 model_learner_pending(struct model *m);
/* Starts the first period if there is none; ends the current one (learner_age) when it is old and full enough. */
bool model_learner_age(struct model *m);

#endif
