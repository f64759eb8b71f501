/* lookups: what a process needs to ask name servers about mail; made once, when first wanted. */
#ifndef FILTERD_LOOKUPS_H
#define FILTERD_LOOKUPS_H

#include "base/resolver.h"
#include "rules/dnsbl.h"
#include "rules/spf.h"

struct lookups {
    struct resolver *resolver; /* NULL: none could be made, nothing is asked */
    struct dnsbl *dnsbl;       /* NULL: no lists */
    struct spf_helper *spf;    /* NULL: off */
};

/* What could not be made is in the log. */
struct lookups *lookups_new(const struct settings *s);
void lookups_free(struct lookups **l);

#endif
