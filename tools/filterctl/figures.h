/* filterctl_figures: how good a list of scores is, as the TREC spam track measured it. */
#ifndef TOOLS_FILTERCTL_FIGURES_H
#define TOOLS_FILTERCTL_FIGURES_H

#include <glib.h>
#include <stdbool.h>

struct scored {
    double score;
    bool judge_spam, class_spam;
};

struct filterctl_figures {
    guint spam, ham;
    double roca; /* area above the ROC curve in percent; a tie counts half */
    double hm, sm; /* ham, spam on the wrong side, in percent */
    double lam;    /* their logistic mean in percent */
};

/* of struct scored; it is sorted. */
struct filterctl_figures filterctl_figures_of(GArray *scored);

#endif
