/* greylisting: decides which mail is doubtful, and answers the keeper's greylist request. */
#ifndef FILTERD_KEEPER_GREYLISTING_H
#define FILTERD_KEEPER_GREYLISTING_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/greylist.h"
#include "rules/auth/spf_result.h"

/* True if mail is doubtful: the rules' weights together speak for spam, SPF says fail or softfail, or the score
 * (log-odds above the threshold of Unsure; NAN: not judged) is 0 or more. hits may be NULL. */
bool greylisting_wanted(const GPtrArray *hits, enum spf_code spf, double score);

/* Answers a request in the keeper. *wait_r: seconds until the client may pass, 0 if it passes. g may be NULL:
 * then all pass. Returns a sysexits code. */
int greylisting_handle(struct greylist *g, const struct greylist_triplet *wanted, gint32 *wait_r);

#endif
