/* learner: two members that learn from hashed features, one message at a time; their votes are added.
 *
 * The linear member is logistic regression over adjacent words. It learns only messages that are near the line
 * between ham and spam or on its wrong side (Sculley and Cormack, "Filtering email spam in the presence of
 * noisy user feedback", 2008): it ranks best. The counting member compares how often a feature was in spam and
 * in ham, weighted by how often it was seen (the idea of Assis et al., "Exponential differential document
 * count", 2006): it learns fastest. Their sum is better than either.
 *
 *   score = LEARNER_PRIOR + linear + voice * counting      (log-odds, natural logarithm)
 *
 * A message's features are mapped to buckets (see buckets.h). Header and body are weighted separately, each by
 * the number of its own buckets, so that a long text does not drown the sender. One step adds one integer to
 * the weights of the header's buckets, one to the body's, and one to the counts of all. A step that would
 * overflow is left out entirely, and nothing is clamped: so undoing a step (modulo 2^16) leaves exactly what
 * all other steps made, in any order. Only additions, multiplications, divisions and square roots are used, so
 * the figures are the same on every IEEE machine. */
#ifndef CLASSIFIER_LEARNER_H
#define CLASSIFIER_LEARNER_H

#include <glib.h>
#include <stdbool.h>

#define LEARNER_BITS 17
#define LEARNER_BUCKETS (1u << LEARNER_BITS)
/* Flag in a bucket number: the feature is of the header. */
#define LEARNER_HEADER LEARNER_BUCKETS
/* An untrained model takes mail for ham: otherwise all mail of a new user would be Unsure. */
#define LEARNER_PRIOR ((double)-0.4) /* the cast drops the extra precision of an x87 */

/* The site's base counts at most this fraction of a user's own model. */
#define LEARNER_BASE_VOICE 0.5

struct learner_count {
    guint16 spam, ham;
};

struct learner {
    guint32 spam, ham;                 /* messages learnt, minus those undone */
    guint32 counted_spam, counted_ham; /* steps that the counting member took */
    gint16 weights[LEARNER_BUCKETS];
    struct learner_count counts[LEARNER_BUCKETS];
    /* One bit per bucket: did a step change it in this period, and in the one before? */
    guint8 touched[2][LEARNER_BUCKETS / 8];
};

/* What learning one message added. */
struct learner_step {
    gint32 header, body; /* to each bucket's weight */
    gint32 counts;       /* to each bucket's count of the message's class */
    gint32 heard;        /* to the number of messages learnt */
};

struct learner_lesson {
    bool spam;
    bool half;   /* the class is a guess, not the user's word: take half a step */
    double base; /* what the site's base adds to the score (learner_base); 0 without a base */
};

/* buckets: the message's, array of guint32 from buckets_of. */
double learner_score(const struct learner *l, const GArray *buckets);
/* What the site's base adds to the score of a user's own learner: its score without the prior, times
 * LEARNER_BASE_VOICE. */
double learner_base(const struct learner *base, const GArray *buckets);
double learner_probability(double score);
/* Learns one message: each member that is not sure enough of its class takes one step. Returns the step, for
 * learner_apply to repeat or, negated, to undo. */
struct learner_step learner_learn(struct learner *l, const GArray *buckets,
                                  const struct learner_lesson *lesson);
void learner_apply(struct learner *l, const GArray *buckets, bool spam, struct learner_step step);
struct learner_step learner_negate(struct learner_step step);
/* The weight of each bucket of a message, in its header and in its body. */
struct learner_norm {
    double header, body;
};
struct learner_norm learner_norm(const GArray *buckets);
/* What one bucket of a message with this norm adds to the score. */
double learner_opinion(const struct learner *l, guint32 bucket, struct learner_norm norm);
/* Ends a period: halves all buckets that no step changed in it or in the period before. What was learnt within
 * the last period can still be undone exactly. */
void learner_age(struct learner *l);

#endif
