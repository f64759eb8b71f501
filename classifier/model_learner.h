/* model_learner: the learner in a model's file: a checkpoint (three BLOBs) and a journal of steps.
 *
 * A training writes one short row; the BLOBs are written when rows have piled up. Readers add to what
 * they have in memory the rows that are new. A row's places are cleared once they are in the
 * checkpoint. All of it stands inside model_begin and model_end. */
#ifndef CLASSIFIER_MODEL_LEARNER_H
#define CLASSIFIER_MODEL_LEARNER_H

#include <glib.h>
#include <stdbool.h>

#include "classifier/learner.h"
#include "classifier/model.h"

/* As stored now; lent until the next call, NULL if it cannot be read. New models are all zeros. */
struct learner *model_learner(struct model *m);

struct model_lesson {
    const char *kind;      /* "move" (the user's word), "delivery", "settled", "train" */
    const char *signature; /* NULL if none */
    bool spam;
    struct learner_step step; /* already applied to model_learner() */
};

/* Writes it into the journal; places NULL: for the history only, a checkpoint follows. */
bool model_learner_note(struct model *m, const struct model_lesson *lesson, const GArray *places);
/* Writes the BLOBs and clears the journal's places. */
bool model_learner_checkpoint(struct model *m);
/* Rows whose places are not in the checkpoint yet. */
gint64 model_learner_pending(struct model *m);
/* Begins a period where there is none, and ends it (see learner_age) once it is old and full
 * enough; nothing else. */
bool model_learner_age(struct model *m);

#endif
