/* filterctl_sum: what the rules say of a file, and what the daemon would make of that and the
 * classifier together. */
#ifndef TOOLS_FILTERCTL_SUM_H
#define TOOLS_FILTERCTL_SUM_H

#include <glib.h>

#include "base/mail/envelope.h"
#include "rules/evidence.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/judge.h"

struct filterctl_sum {
    struct envelope *envelope; /* as far as it was told */
    struct rules *rules;
    struct evidence *evidence;
    GPtrArray *hits;           /* of struct hit* */
    double classifier, added;  /* the two parts of the score */
};

/* Takes --client, --helo and --sender out of argv; its count is returned, negative if one of them has
 * no value, or the client is no IP address. filterctl_sum_clear it either way. */
int filterctl_sum_options(struct filterctl_sum *s, int argc, char **argv);
void filterctl_sum_clear(struct filterctl_sum *s);
/* Before the file is read: lists and SPF are asked. */
void filterctl_sum_start(struct filterctl_sum *s, struct filterctl *ctl);
/* Waits for all there is to know, judges, and adds the rules to the judgement, with the user's own
 * thresholds. A sysexits code. */
int filterctl_sum_judge(struct filterctl_sum *s, struct filterctl *ctl, struct filterctl_judge *j);

#endif
