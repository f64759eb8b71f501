/* The figures of a list of scores, ROC area and error rates. Called by evaluate.c. */
#include "tools/filterctl/figures.h"

#include <math.h>

static gint by_score(gconstpointer a, gconstpointer b)
{
    const double x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
    return (x > y) - (x < y);
}

/* The number of pairs (spam, ham) in which the ham has the higher score; a tie counts half. scored is
 * sorted. */
static double wrong_pairs(const GArray *scored)
{
    double wrong = 0;
    guint64 spam_below = 0;
    for (guint i = 0; i < scored->len;) {
        guint64 spam = 0, ham = 0;
        const double score = g_array_index(scored, struct scored, i).score;
        for (; i < scored->len && g_array_index(scored, struct scored, i).score == score; i++)
            *(g_array_index(scored, struct scored, i).judge_spam ? &spam : &ham) += 1;
        wrong += (double)ham * (double)spam_below + (double)ham * (double)spam / 2;
        spam_below += spam;
    }
    return wrong;
}

static double logit(double percent)
{
    return log(percent / (100 - percent));
}

struct filterctl_figures filterctl_figures_of(GArray *scored)
{
    struct filterctl_figures f = {0};
    guint missed = 0, lost = 0;
    g_array_sort(scored, by_score);
    for (guint i = 0; i < scored->len; i++) {
        const struct scored *s = &g_array_index(scored, struct scored, i);
        f.spam += s->judge_spam;
        f.ham += !s->judge_spam;
        missed += s->judge_spam && !s->class_spam;
        lost += !s->judge_spam && s->class_spam;
    }
    if (f.spam && f.ham)
        f.roca = 100 * wrong_pairs(scored) / ((double)f.spam * (double)f.ham);
    f.hm = f.ham ? 100.0 * lost / f.ham : 0;
    f.sm = f.spam ? 100.0 * missed / f.spam : 0;
    if (f.hm > 0 && f.sm > 0) { /* where one rate is 0, so is the logistic mean */
        const double odds = exp((logit(f.hm) + logit(f.sm)) / 2);
        f.lam = 100 * odds / (1 + odds);
    }
    return f;
}
