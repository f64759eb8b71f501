/* The two members' arithmetic: scoring, learning, ageing. Called by classifier.c, explain.c, filterctl and the
 * keeper. */
#include "classifier/learner.h"

#include <math.h>
#include <string.h>

/* Found with filterctl evaluate on public corpora; each value is in the middle of a wide flat range. */
static const double unit = 1024.0;       /* a stored weight of 1024 counts as 1.0 */
static const double rate = 14.0;         /* one step moves the score of its own message at most this far */
static const double thin_linear = 3.5;   /* a member learns if the score is nearer to the line than this */
static const double thin_counting = 5.0;
static const double rarity = 3.0;        /* doubt weighs as much as this many sightings */
static const double contrast = 16.0;     /* scale of the counting member */
static const double voice = 0.8;         /* the counting member's share of the sum */
static const double apprentice = 5.0;    /* after so many steps of the rarer class the counting member has half
                                          * its voice */

/* Separate sums over the buckets of header and body. */
struct sums {
    double header, body;
};

static guint32 index_of(guint32 bucket)
{
    return bucket % LEARNER_BUCKETS;
}

struct learner_norm learner_norm(const GArray *buckets)
{
    guint header = 0;
    for (guint i = 0; i < buckets->len; i++)
        header += (g_array_index(buckets, guint32, i) & LEARNER_HEADER) != 0;
    const guint body = buckets->len - header;
    if (header == 0 || body == 0) {
        const double one = 1 / sqrt((double)MAX(buckets->len, 1));
        return (struct learner_norm){one, one};
    }
    /* Each side's share of the squared norm grows with the square root of its size. */
    const double h = sqrt((double)header), share = h / (h + sqrt((double)body));
    return (struct learner_norm){sqrt(share / header), sqrt((1 - share) / body)};
}

static double linear_score(const struct learner *l, const GArray *buckets, struct learner_norm n)
{
    gint64 header = 0, body = 0;
    for (guint i = 0; i < buckets->len; i++) {
        const guint32 bucket = g_array_index(buckets, guint32, i);
        *(bucket & LEARNER_HEADER ? &header : &body) += l->weights[index_of(bucket)];
    }
    return LEARNER_PRIOR + ((double)header * n.header + (double)body * n.body) / unit;
}

/* How far a bucket leans: from -1 (seen only in ham) to 1 (only in spam), near 0 if seen rarely. Squared,
 * because weak opinions are mostly noise. */
static double lean(struct learner_count c, double all_spam, double all_ham)
{
    if (c.spam == 0 && c.ham == 0)
        return 0;
    const double seen = (double)c.spam + c.ham;
    const double spam = c.spam * all_ham, ham = c.ham * all_spam;
    const double z = seen * (spam - ham) / ((seen + rarity) * (spam + ham));
    return z < 0 ? -z * z : z * z;
}

static double counting_score(const struct learner *l, const GArray *buckets, struct learner_norm n)
{
    const double spam = MAX(l->counted_spam, 1), ham = MAX(l->counted_ham, 1);
    struct sums sum = {0, 0};
    for (guint i = 0; i < buckets->len; i++) {
        const guint32 bucket = g_array_index(buckets, guint32, i);
        *(bucket & LEARNER_HEADER ? &sum.header : &sum.body) +=
            lean(l->counts[index_of(bucket)], spam, ham);
    }
    return contrast * (sum.header * n.header + sum.body * n.body);
}

/* Scales the counting member down while it has counted few messages of one class: until then it is
 * overconfident. */
static double counting_voice(const struct learner *l)
{
    const double steps = MIN(l->counted_spam, l->counted_ham) + 1.0;
    return voice * steps / (steps + apprentice);
}

double learner_score(const struct learner *l, const GArray *buckets)
{
    const struct learner_norm norm = learner_norm(buckets);
    return linear_score(l, buckets, norm) + counting_voice(l) * counting_score(l, buckets, norm);
}

double learner_base(const struct learner *base, const GArray *buckets)
{
    return LEARNER_BASE_VOICE * (learner_score(base, buckets) - LEARNER_PRIOR);
}

double learner_opinion(const struct learner *l, guint32 bucket, struct learner_norm norm)
{
    const double spam = MAX(l->counted_spam, 1), ham = MAX(l->counted_ham, 1);
    const guint32 i = index_of(bucket);
    return (l->weights[i] / unit + counting_voice(l) * contrast * lean(l->counts[i], spam, ham)) *
           (bucket & LEARNER_HEADER ? norm.header : norm.body);
}

/* e^-x for x >= 0, without libm, whose last bit differs between machines. */
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

static void touch(struct learner *l, guint32 i)
{
    l->touched[0][i / 8] |= (guint8)(1u << (i % 8));
}

static bool is_nothing(struct learner_step step)
{
    return !step.header && !step.body && !step.counts;
}

void learner_apply(struct learner *l, const GArray *buckets, bool spam, struct learner_step step)
{
    for (guint k = 0; k < buckets->len && !is_nothing(step); k++) {
        const guint32 bucket = g_array_index(buckets, guint32, k), i = index_of(bucket);
        const gint32 weight = bucket & LEARNER_HEADER ? step.header : step.body;
        guint16 *count = spam ? &l->counts[i].spam : &l->counts[i].ham;
        l->weights[i] = (gint16)(guint16)((guint32)l->weights[i] + (guint32)weight);
        *count = (guint16)(*count + (guint32)step.counts);
        touch(l, i);
    }
    *(spam ? &l->counted_spam : &l->counted_ham) += (guint32)step.counts;
    *(spam ? &l->spam : &l->ham) += (guint32)step.heard;
}

struct learner_step learner_negate(struct learner_step step)
{
    return (struct learner_step){-step.header, -step.body, -step.counts, -step.heard};
}

static bool would_overflow(const struct learner *l, const GArray *buckets, bool spam,
                           struct learner_step step)
{
    for (guint k = 0; k < buckets->len; k++) {
        const guint32 bucket = g_array_index(buckets, guint32, k), i = index_of(bucket);
        const gint32 weight = l->weights[i] + (bucket & LEARNER_HEADER ? step.header : step.body);
        const guint16 count = spam ? l->counts[i].spam : l->counts[i].ham;
        if (weight > G_MAXINT16 || weight < G_MININT16 || count + step.counts > G_MAXUINT16)
            return true;
    }
    return false;
}

static bool is_thin(double score, double limit, bool spam)
{
    return spam ? score < limit : score > -limit;
}

/* Rounds a step's size to an integer of at least 1, with the sign of its direction. */
static gint32 whole(double size, bool up)
{
    return MAX((gint32)(size + 0.5), 1) * (up ? 1 : -1);
}

/* One step of gradient descent for the linear member; no step if it is sure enough. */
static struct learner_step linear_step(const struct learner *l, const GArray *buckets,
                                       struct learner_norm norm,
                                       const struct learner_lesson *lesson)
{
    const double score = linear_score(l, buckets, norm) + lesson->base;
    if (!is_thin(score, thin_linear, lesson->spam))
        return (struct learner_step){.header = 0};
    const double p = learner_probability(score);
    const double error = lesson->spam ? 1 - p : p;
    const double size = rate * error * unit * (lesson->half ? 0.5 : 1);
    return (struct learner_step){whole(size * norm.header, lesson->spam),
                                 whole(size * norm.body, lesson->spam), 0, 0};
}

struct learner_step learner_learn(struct learner *l, const GArray *buckets,
                                  const struct learner_lesson *lesson)
{
    const struct learner_norm norm = learner_norm(buckets);
    struct learner_step step = linear_step(l, buckets, norm, lesson);
    step.counts = is_thin(counting_score(l, buckets, norm), thin_counting, lesson->spam);
    if (would_overflow(l, buckets, lesson->spam, step))
        step = (struct learner_step){.header = 0};
    step.heard = 1;
    learner_apply(l, buckets, lesson->spam, step);
    return step;
}

void learner_age(struct learner *l)
{
    for (guint32 bucket = 0; bucket < LEARNER_BUCKETS; bucket++) {
        const guint8 bit = (guint8)(1u << (bucket % 8));
        if ((l->touched[0][bucket / 8] | l->touched[1][bucket / 8]) & bit)
            continue;
        l->weights[bucket] /= 2;
        l->counts[bucket].spam /= 2;
        l->counts[bucket].ham /= 2;
    }
    memcpy(l->touched[1], l->touched[0], sizeof l->touched[1]);
    memset(l->touched[0], 0, sizeof l->touched[0]);
}
