#include "filterd/keeper/greylisting.h"

#include <math.h>
#include <string.h>
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

int greylisting_handle(struct greylist *g, GVariant *arguments, GVariantDict *results,
                       char **text_r)
{
    struct greylist_triplet t = {0};
    int wait = 0;
    if (!g_variant_lookup(arguments, "address", "&s", &t.address) ||
        !g_variant_lookup(arguments, "sender", "&s", &t.sender) ||
        !g_variant_lookup(arguments, "recipient", "&s", &t.recipient)) {
        *text_r = g_strdup("greylist needs address, sender and recipient");
        return EX_DATAERR;
    }
    g_variant_lookup(arguments, "domain", "&s", &t.proved_domain);
    if (g)
        greylist_ask(g, &t, (long)time(NULL), &wait);
    g_variant_dict_insert(results, "wait", "i", wait);
    return EX_OK;
}
