/* filterctl_sum: what the rules find in a file, and the sum of that and the classifier's score. */
#ifndef TOOLS_FILTERCTL_SUM_H
#define TOOLS_FILTERCTL_SUM_H

#include <glib.h>

#include "base/mail/envelope.h"
#include "rules/evidence.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/judge.h"

struct filterctl_sum {
    struct envelope *envelope; /* with what --client, --helo and --sender say */
    struct rules *rules;
    struct evidence *evidence;
    GPtrArray *hits;           /* of struct hit* */
    double classifier, added;  /* the two parts of the score: the classifier's, the rules' */
};

/* Removes --client, --helo and --sender from argv and returns the new argc, negative if one of them has no
 * value or the client is no IP address. filterctl_sum_clear it in either case. */
int filterctl_sum_options(struct filterctl_sum *s, int argc, char **argv);
void filterctl_sum_clear(struct filterctl_sum *s);
/* Starts the questions to lists and SPF; call it before the file is read. */
void filterctl_sum_start(struct filterctl_sum *s, struct filterctl *ctl);
/* Waits for all answers, judges, and adds the rules to the judgement, under the user's own thresholds. A
 * sysexits code. */
int filterctl_sum_judge(struct filterctl_sum *s, struct filterctl *ctl, struct filterctl_judge *j);

#endif
