/* replay: bulk training that does not forget.
 *
 * People train a whole folder of spam and then one of ham. A learner that gets a thousand messages of one class
 * in a row unlearns the other (in a test it then missed all spam of the corpus). So the keeper stores a sample
 * of trained messages, sealed and short-lived like any record, and replays samples of the other class while one
 * is trained. */
#ifndef FILTERD_KEEPER_REPLAY_H
#define FILTERD_KEEPER_REPLAY_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/model_store_state.h"

struct replay {
    struct model_store *model_store;
    const char *user; /* MODEL_SITE for the site's base */
    const char *class; /* "spam" or "ham" */
    struct model *model;
    guint right; /* set by replay_train: messages classified rightly before they were learnt */
};

/* Trains the messages (array of GArray* of features) and stores samples; call it inside a transaction. False,
 * with one line in *error_r (g_free) or none, if something could not be read or written. */
bool replay_train(struct replay *r, const GPtrArray *messages, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
