/* training: records what was delivered, and teaches a user's model from it. Each is one transaction
 * in the user's file: a kill at any moment leaves all of it or nothing. Return sysexits codes;
 * *text_r is one line (g_free) or left alone. */
#ifndef FILTERD_KEEPER_TRAIN_REQUEST_H
#define FILTERD_KEEPER_TRAIN_REQUEST_H

#include <glib.h>

#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/model_store_state.h"

int train_request_record(struct model_store *l, const struct keeper_record *wanted, char **text_r);
int train_request_confirm(struct model_store *l, const struct keeper_confirm *wanted, char **text_r);
int train_request_retrain(struct model_store *l, const struct keeper_retrain *wanted, char **text_r);
/* A move of a message that carries no signature: the same, from features made of its text and with
 * a signature made of its content. */
int train_request_learn(struct model_store *l, const struct keeper_learn *wanted, char **text_r);
/* *right_r: how many of the messages the model had on the right side before it learnt them. */
int train_request_train(struct model_store *l, const struct keeper_train *wanted, guint32 *right_r,
                 char **text_r);
/* What the user left where it was delivered for settle_days: counts for its known sender and, in
 * mode settle, is learnt if it lies near the line; both only if the user has moved something lately. */
void train_request_settle(struct model_store *l, const char *user);

#endif
