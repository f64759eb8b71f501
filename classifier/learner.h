/* learner: logistic regression over hashed features, learnt one message at a time.
 *
 * score = LEARNER_PRIOR + sum of weights / (LEARNER_SCALE * sqrt(number of features)).
 * A step adds one integer to all weights of a message's features. Weights are int16; a step that
 * would overflow one is not taken at all, and nothing is ever clamped or aged: so subtracting a
 * step (modulo 2^16) leaves exactly what all other steps made. Only additions, multiplications,
 * divisions and square roots are used: figures are the same on every IEEE machine. */
#ifndef CLASSIFIER_LEARNER_H
#define CLASSIFIER_LEARNER_H

#include <glib.h>
#include <stdbool.h>

#define LEARNER_BITS 18
#define LEARNER_WEIGHTS (1u << LEARNER_BITS)
#define LEARNER_SCALE 1024.0
/* Who has learnt nothing yet takes mail for ham: else a new user's mail were all Unsure. */
#define LEARNER_PRIOR (-0.4)

struct learner {
    guint32 spam, ham; /* messages learnt, less those undone */
    gint16 weights[LEARNER_WEIGHTS];
};

/* features: of guint32, no place twice (see osb.h). */
double learner_score(const struct learner *l, const GArray *features);
double learner_probability(double score);

enum learner_effort {
    LEARNER_ONCE, /* at most one step, and only near or over the line */
    LEARNER_FIRM, /* a person said so: steps until it is clearly on its side */
};
/* True if the score is so near the line, or over it, that automatic training would step. */
bool learner_is_thin(double score, bool spam);
/* Learns; the sum of the steps, which learner_undo wants; may be 0. */
gint32 learner_learn(struct learner *l, const GArray *features, bool spam,
                     enum learner_effort effort);
void learner_undo(struct learner *l, const GArray *features, bool spam, gint32 steps);

#endif
