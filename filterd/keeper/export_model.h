/* export_model: copies a model into an export and back. */
#ifndef FILTERD_KEEPER_EXPORT_MODEL_H
#define FILTERD_KEEPER_EXPORT_MODEL_H

#include <stdbool.h>

#include "classifier/model.h"
#include "filterd/keeper/export.h"

/* Reads learner, history and period. False: the model cannot be read. */
bool export_model_read(struct export *e, struct model *m);
/* Replaces the model's learner, history and period; call it inside a transaction. The model's records stay, and
 * train requests may use them; but what they taught the old learner is never undone in the new one. */
bool export_model_write(const struct export *e, struct model *m);

#endif
