/* greylisting: who is asked to come again, and the keeper's side of the question. */
#ifndef FILTERD_KEEPER_GREYLISTING_H
#define FILTERD_KEEPER_GREYLISTING_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/greylist.h"
#include "rules/auth/spf.h"
#include "rules/auth/spf_result.h"
#include "rules/hits.h"

/* True if there is a reason to doubt: the rules' weights together speak for spam, SPF says fail or
 * softfail, or the score (log-odds, from the line where Unsure begins; NAN: not judged) is at or
 * over that line. hits may be NULL. */
bool greylisting_wanted(const GPtrArray *hits, enum spf_code spf, double score);

/* The keeper's verb "greylist": address s, sender s, recipient s, domain s (proved, or left out);
 * gives back wait i, the seconds until it may pass, 0 if it passes. g may be NULL: all pass.
 * A sysexits code; *text_r one line (g_free) or NULL. */
int greylisting_handle(struct greylist *g, GVariant *arguments, GVariantDict *results,
                       char **text_r);

#endif
