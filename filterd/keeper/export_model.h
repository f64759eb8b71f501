/* export_model: between an export and the user's model. */
#ifndef FILTERD_KEEPER_EXPORT_MODEL_H
#define FILTERD_KEEPER_EXPORT_MODEL_H

#include <stdbool.h>

#include "classifier/model.h"
#include "filterd/keeper/export.h"

/* Learner, history and period. False if the model cannot be read. */
bool export_model_read(struct export *e, struct model *m);
/* They take the place of the model's own; inside a transaction. Its records stay and can be learnt
 * from, but what they taught the old model is never taken back from the new. */
bool export_model_write(const struct export *e, struct model *m);

#endif
