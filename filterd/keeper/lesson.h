/* lesson: records what was delivered, and teaches a user's model from it. Each is one transaction
 * in the user's file: a kill at any moment leaves all of it or nothing. Return sysexits codes;
 * *text_r is one line (g_free) or left alone. */
#ifndef FILTERD_KEEPER_LESSON_H
#define FILTERD_KEEPER_LESSON_H

#include <glib.h>

#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/ledger_state.h"

int lesson_record(struct ledger *l, const struct keeper_record *wanted, char **text_r);
int lesson_confirm(struct ledger *l, const struct keeper_confirm *wanted, char **text_r);
int lesson_retrain(struct ledger *l, const struct keeper_retrain *wanted, char **text_r);
/* A move of a message that carries no signature: the same, from features made of its text and with
 * a signature made of its content. */
int lesson_learn(struct ledger *l, const struct keeper_learn *wanted, char **text_r);
/* *right_r: how many of the messages the model had on the right side before it learnt them. */
int lesson_train(struct ledger *l, const struct keeper_train *wanted, guint32 *right_r,
                 char **text_r);
/* What the user left where it was delivered for settle_days: counts for its correspondent and, in
 * mode settle, is learnt if it lies near the line; both only if the user has moved something lately. */
void lesson_settle(struct ledger *l, const char *user);

#endif
