#include "classifier/learner.h"

#include <math.h>
#include <string.h>

/* Found by filterctl evaluate on public corpora, in the middle of a wide flat region. */
static const double unit = 1024.0;    /* weights are kept in such parts */
static const double rate = 12.0;      /* how far one step moves its own message's score at most */
static const double thin_linear = 3.0; /* nearer to the line than this a member learns */
static const double thin_counting = 3.0;
static const double rarity = 3.0;     /* sightings that are worth as much as doubt */
static const double contrast = 12.0;  /* scale of the counting member */
static const double voice = 0.4;      /* and its share in the sum */
static const double apprentice = 5.0; /* so many steps of the rarer class give it half its voice */
enum { FIRM_STEPS = 4 };

static double norm(const GArray *places)
{
    return sqrt((double)MAX(places->len, 1));
}

static double linear_score(const struct learner *l, const GArray *places)
{
    gint64 sum = 0;
    for (guint i = 0; i < places->len; i++)
        sum += l->weights[g_array_index(places, guint32, i)];
    return LEARNER_PRIOR + (double)sum / (unit * norm(places));
}

/* -1 (seen in ham only) to 1; small where little was seen. Squared, as weak opinions are noise. */
static double lean(struct learner_count c, double all_spam, double all_ham)
{
    if (c.spam == 0 && c.ham == 0)
        return 0;
    const double seen = (double)c.spam + c.ham;
    const double spam = c.spam * all_ham, ham = c.ham * all_spam;
    const double z = seen * (spam - ham) / ((seen + rarity) * (spam + ham));
    return z < 0 ? -z * z : z * z;
}

static double counting_score(const struct learner *l, const GArray *places)
{
    const double spam = MAX(l->counted_spam, 1), ham = MAX(l->counted_ham, 1);
    double sum = 0;
    for (guint i = 0; i < places->len; i++)
        sum += lean(l->counts[g_array_index(places, guint32, i)], spam, ham);
    return contrast * sum / norm(places);
}

/* Who has counted little of one class is too sure of himself. */
static double counting_voice(const struct learner *l)
{
    const double steps = MIN(l->counted_spam, l->counted_ham) + 1.0;
    return voice * steps / (steps + apprentice);
}

double learner_score(const struct learner *l, const GArray *places)
{
    return linear_score(l, places) + counting_voice(l) * counting_score(l, places);
}

double learner_base(const struct learner *base, const GArray *places)
{
    return LEARNER_BASE_VOICE * (learner_score(base, places) - LEARNER_PRIOR);
}

double learner_opinion(const struct learner *l, guint32 place, guint count)
{
    const double spam = MAX(l->counted_spam, 1), ham = MAX(l->counted_ham, 1);
    return (l->weights[place] / unit +
            counting_voice(l) * contrast * lean(l->counts[place], spam, ham)) /
           sqrt((double)MAX(count, 1));
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

static void touch(struct learner *l, guint32 place)
{
    l->touched[0][place / 8] |= (guint8)(1u << (place % 8));
}

void learner_apply(struct learner *l, const GArray *places, bool spam, struct learner_step step)
{
    for (guint i = 0; i < places->len && (step.weights || step.counts); i++) {
        const guint32 place = g_array_index(places, guint32, i);
        guint16 *count = spam ? &l->counts[place].spam : &l->counts[place].ham;
        l->weights[place] = (gint16)(guint16)((guint32)l->weights[place] + (guint32)step.weights);
        *count = (guint16)(*count + (guint32)step.counts);
        touch(l, place);
    }
    *(spam ? &l->counted_spam : &l->counted_ham) += (guint32)step.counts;
    *(spam ? &l->spam : &l->ham) += (guint32)step.heard;
}

struct learner_step learner_negate(struct learner_step step)
{
    return (struct learner_step){-step.weights, -step.counts, -step.heard};
}

static bool would_overflow(const struct learner *l, const GArray *places, bool spam,
                           struct learner_step step)
{
    for (guint i = 0; i < places->len; i++) {
        const guint32 place = g_array_index(places, guint32, i);
        const gint32 weight = l->weights[place] + step.weights;
        const struct learner_count c = l->counts[place];
        if (weight > G_MAXINT16 || weight < G_MININT16 ||
            (spam ? c.spam : c.ham) + step.counts > G_MAXUINT16)
            return true;
    }
    return false;
}

static bool is_thin(double score, double limit, bool spam)
{
    return spam ? score < limit : score > -limit;
}

/* One step of gradient descent for the linear member, 0 if it is sure enough. */
static gint32 linear_step(const struct learner *l, const GArray *places,
                          const struct learner_lesson *lesson)
{
    const double score = linear_score(l, places) + lesson->base;
    if (!is_thin(score, thin_linear, lesson->spam))
        return 0;
    const double p = learner_probability(score);
    const double error = lesson->spam ? 1 - p : p;
    const double share = lesson->effort == LEARNER_HALF ? 0.5 : 1;
    const gint32 step = (gint32)(share * rate * error * unit / norm(places) + 0.5);
    return MAX(step, 1) * (lesson->spam ? 1 : -1);
}

/* One step of both, where they want one and it can be taken; false if none was. However often it is
 * repeated, a message is counted once. */
static bool one_step(struct learner *l, const GArray *places, const struct learner_lesson *lesson,
                     struct learner_step *sum)
{
    struct learner_step step = {
        .weights = linear_step(l, places, lesson),
        .counts = sum->counts == 0 &&
                  is_thin(counting_score(l, places), thin_counting, lesson->spam),
    };
    if ((!step.weights && !step.counts) || would_overflow(l, places, lesson->spam, step))
        return false;
    learner_apply(l, places, lesson->spam, step);
    sum->weights += step.weights;
    sum->counts += step.counts;
    return true;
}

struct learner_step learner_learn(struct learner *l, const GArray *places,
                                  const struct learner_lesson *lesson)
{
    struct learner_step sum = {0, 0, 1};
    int steps = lesson->effort == LEARNER_FIRM ? FIRM_STEPS : 1;
    while (steps-- > 0 && one_step(l, places, lesson, &sum))
        ;
    *(lesson->spam ? &l->spam : &l->ham) += 1;
    return sum;
}

void learner_age(struct learner *l)
{
    for (guint32 place = 0; place < LEARNER_PLACES; place++) {
        const guint8 bit = (guint8)(1u << (place % 8));
        if ((l->touched[0][place / 8] | l->touched[1][place / 8]) & bit)
            continue;
        l->weights[place] /= 2;
        l->counts[place].spam /= 2;
        l->counts[place].ham /= 2;
    }
    memcpy(l->touched[1], l->touched[0], sizeof l->touched[1]);
    memset(l->touched[0], 0, sizeof l->touched[0]);
}
