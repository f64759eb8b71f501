/* model_store_model: a user's model in the model store. */
#ifndef FILTERD_KEEPER_MODEL_STORE_MODEL_H
#define FILTERD_KEEPER_MODEL_STORE_MODEL_H

#include <glib.h>

#include "classifier/model.h"
#include "filterd/keeper/model_store_state.h"

/* The user's model (or that of MODEL_SITE), opened for writing and created if missing, with the user's unclaimed
 * records; lent. NULL with one line in *text_r. */
struct model *model_store_model(struct model_store *l, const char *user, char **text_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
