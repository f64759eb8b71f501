/* What greylisting decides. Called by policy_session.c, transaction_greylist.c and keeper_verbs.c. */
#include "filterd/keeper/greylisting.h"

#include <math.h>
#include <sysexits.h>
#include <time.h>

#include "rules/hits.h"

bool greylisting_wanted(const GPtrArray *hits, enum spf_code spf, double score)
{
    if (hits && hits_doubt(hits) > 0)
        return true;
    if (spf == SPF_CODE_FAIL || spf == SPF_CODE_SOFTFAIL)
        return true;
    return !isnan(score) && score >= 0;
}

int greylisting_handle(struct greylist *g, const struct greylist_triplet *wanted, gint32 *wait_r)
{
    int wait = 0;
    if (g)
        greylist_ask(g, wanted, (long)time(NULL), &wait);
    *wait_r = wait;
    return EX_OK;
}
