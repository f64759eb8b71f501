/* learner: two members that learn from hashed features, one message at a time, and vote together.
 *
 * The linear member is logistic regression over adjacent words, learnt only near or over the line
 * (Sculley and Cormack, "Filtering email spam in the presence of noisy user feedback", 2008): it
 * ranks best. The counting member compares how often a feature was in spam and in ham, weighed by
 * how much was seen (the idea of Assis et al., "Exponential differential document count", 2006): it
 * learns fastest. Their sum beats both.
 *
 *   score = LEARNER_PRIOR + linear + voice * counting      (log-odds, natural logarithm)
 *
 * A message's features point at places (see buckets.h). Header and body are weighed apart, each by
 * the number of its own places, so that a long text does not drown who it came from. A step adds one
 * integer to the weights of the header's places, one to the body's and one to the counts of all; a step that would overflow is not taken at all and nothing
 * is clamped: so taking a step back (modulo 2^16) leaves exactly what all other steps made, in any
 * order. Only additions, multiplications, divisions and square roots are used: figures are the same
 * on every IEEE machine. */
#ifndef CLASSIFIER_LEARNER_H
#define CLASSIFIER_LEARNER_H

#include <glib.h>
#include <stdbool.h>

#define LEARNER_BITS 17
#define LEARNER_PLACES (1u << LEARNER_BITS)
/* Set beside a place that a feature of the header points at. */
#define LEARNER_HEADER LEARNER_PLACES
/* Who has learnt nothing yet takes mail for ham: else a new user's mail were all Unsure. */
#define LEARNER_PRIOR ((double)-0.4) /* not the more exact one that an x87 would make of it */

/* The site's base is never more than this part of a voice. */
#define LEARNER_BASE_VOICE 0.5

struct learner_count {
    guint16 spam, ham;
};

struct learner {
    guint32 spam, ham;                 /* messages learnt, less those undone */
    guint32 counted_spam, counted_ham; /* steps of the counting member */
    gint16 weights[LEARNER_PLACES];
    struct learner_count counts[LEARNER_PLACES];
    /* Places that learning touched in this period and the one before: a bit each. */
    guint8 touched[2][LEARNER_PLACES / 8];
};

/* What one training added. */
struct learner_step {
    gint32 header, body; /* to the weight of each place */
    gint32 counts;       /* to the count of its class at each place */
    gint32 heard;        /* to the messages learnt */
};

struct learner_lesson {
    bool spam;
    bool half;   /* nobody said so, it only seems so: half a step */
    double base; /* what the site's base adds to the score (see learner_base); 0 without one */
};

/* places: of guint32 as buckets_of makes them. */
double learner_score(const struct learner *l, const GArray *places);
/* What a base adds to the score of a user's own learner: half its voice, without the prior. */
double learner_base(const struct learner *base, const GArray *places);
double learner_probability(double score);
/* Learns: one step of each member that is not sure enough of it; says what learner_apply would have to add (or, negated, to take back). */
struct learner_step learner_learn(struct learner *l, const GArray *places,
                                  const struct learner_lesson *lesson);
void learner_apply(struct learner *l, const GArray *places, bool spam, struct learner_step step);
struct learner_step learner_negate(struct learner_step step);
/* How much each place of a message weighs. */
struct learner_norm {
    double header, body;
};
struct learner_norm learner_norm(const GArray *places);
/* What one place of such a message adds to its score. */
double learner_opinion(const struct learner *l, guint32 place, struct learner_norm norm);
/* Ends a period: halves what was not touched in it nor in the one before. What was learnt within
 * the last period can still be undone exactly. */
void learner_age(struct learner *l);

#endif
