/* train_request: records what was delivered, and trains a user's model with it. Each request is one transaction
 * in the user's file: a kill at any moment leaves all of it or nothing. All return sysexits codes; *text_r is
 * one line (g_free) or left alone. */
#ifndef FILTERD_KEEPER_TRAIN_REQUEST_H
#define FILTERD_KEEPER_TRAIN_REQUEST_H

#include <glib.h>

#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/model_store_state.h"
#include "filterd/keeper/peer_credentials.h"

int train_request_record(struct model_store *l, const struct keeper_record *wanted, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
int train_request_confirm(struct model_store *l, const struct keeper_confirm *wanted, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* peer: who says it, lent; NULL: anybody. */
int train_request_retrain(struct model_store *l, const struct keeper_retrain *wanted, const struct peer *peer,
                          char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* A user moved a message without a signature (of learning): the same, by features made of its text and its
 * content signature. */
int train_request_learn(struct model_store *l, const struct keeper_learn *wanted, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* *right_r: how many of the messages the model classified rightly before it learnt them. */
int train_request_train(struct model_store *l, const struct keeper_train *wanted, guint32 *right_r,
                 char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* Settles mail that the user has left where it was delivered for settle_days: counts it for its known sender
 * and, in mode settle, learns it if its score is near the threshold; both only if the user has moved something
 * lately. */
void train_request_settle(struct model_store *l, const char *user);

#endif
