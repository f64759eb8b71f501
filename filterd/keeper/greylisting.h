/* greylisting: who is asked to come again, and the keeper's side of the question. */
#ifndef FILTERD_KEEPER_GREYLISTING_H
#define FILTERD_KEEPER_GREYLISTING_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/greylist.h"
#include "rules/auth/spf_result.h"

/* True if there is a reason to doubt: the rules' weights together speak for spam, SPF says fail or
 * softfail, or the score (log-odds, from the line where Unsure begins; NAN: not judged) is at or
 * over that line. hits may be NULL. */
bool greylisting_wanted(const GPtrArray *hits, enum spf_code spf, double score);

/* The keeper's side. *wait_r: seconds until the client may pass, 0 if it passes. g may be NULL: then
 * all pass. A sysexits code. */
int greylisting_handle(struct greylist *g, const struct greylist_triplet *wanted, gint32 *wait_r);

#endif
