#include "classifier/learner.h"

#include <math.h>

/* Found by filterctl evaluate on public corpora. */
static const double rate = 16.0;      /* how far one step moves its own message's score at most */
static const double thin_score = 3.0; /* nearer to the line than this a message is learnt */
static const double firm_score = 6.0; /* where a person's word is carried */
enum { FIRM_STEPS = 8 };

double learner_score(const struct learner *l, const GArray *features)
{
    gint64 sum = 0;
    for (guint i = 0; i < features->len; i++)
        sum += l->weights[g_array_index(features, guint32, i) % LEARNER_WEIGHTS];
    const double norm = LEARNER_SCALE * sqrt((double)MAX(features->len, 1));
    return LEARNER_PRIOR + (double)sum / norm;
}

/* e^-x for x >= 0 without libm, whose last bit differs between machines. */
static double exp_minus(double x)
{
    if (x > 700)
        return 0;
    int halvings = 0;
    while (x > 0.125) {
        x /= 2;
        halvings++;
    }
    double term = 1, sum = 1;
    for (int i = 1; i < 12; i++) {
        term *= -x / i;
        sum += term;
    }
    while (halvings-- > 0)
        sum *= sum;
    return sum;
}

double learner_probability(double score)
{
    const double e = exp_minus(score < 0 ? -score : score);
    return score < 0 ? e / (1 + e) : 1 / (1 + e);
}

bool learner_is_thin(double score, bool spam)
{
    return spam ? score < thin_score : score > -thin_score;
}

static bool would_overflow(const struct learner *l, const GArray *features, int step)
{
    for (guint i = 0; i < features->len; i++) {
        const int w = l->weights[g_array_index(features, guint32, i) % LEARNER_WEIGHTS] + step;
        if (w > G_MAXINT16 || w < G_MININT16)
            return true;
    }
    return false;
}

static void add_step(struct learner *l, const GArray *features, gint32 step)
{
    for (guint i = 0; i < features->len; i++) {
        gint16 *w = &l->weights[g_array_index(features, guint32, i) % LEARNER_WEIGHTS];
        *w = (gint16)(guint16)((guint32)*w + (guint32)step);
    }
}

/* One step of gradient descent for this message, 0 if it cannot be taken. */
static gint32 one_step(struct learner *l, const GArray *features, bool spam, double score)
{
    const double p = learner_probability(score);
    const double error = spam ? 1 - p : p;
    const double size = rate * error * LEARNER_SCALE / sqrt((double)MAX(features->len, 1));
    const gint32 step = MAX((gint32)(size + 0.5), 1) * (spam ? 1 : -1);
    if (would_overflow(l, features, step))
        return 0;
    add_step(l, features, step);
    return step;
}

gint32 learner_learn(struct learner *l, const GArray *features, bool spam,
                     enum learner_effort effort)
{
    gint32 sum = 0;
    const double wanted = effort == LEARNER_FIRM ? firm_score : thin_score;
    for (int i = 0; i < (effort == LEARNER_FIRM ? FIRM_STEPS : 1); i++) {
        const double score = learner_score(l, features);
        if (spam ? score >= wanted : score <= -wanted)
            break;
        const gint32 step = one_step(l, features, spam, score);
        if (step == 0)
            break;
        sum += step;
    }
    *(spam ? &l->spam : &l->ham) += 1;
    return sum;
}

void learner_undo(struct learner *l, const GArray *features, bool spam, gint32 steps)
{
    add_step(l, features, -steps);
    guint32 *count = spam ? &l->spam : &l->ham;
    *count -= *count > 0;
}
