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
    double hm, sm; /* ham called spam, spam called ham, in percent */
    double lam;    /* logistic mean of hm and sm, in percent */
};

/* scored: of struct scored; it gets sorted. */
struct filterctl_figures filterctl_figures_of(GArray *scored);

#endif
