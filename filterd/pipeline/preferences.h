/* preferences: what is to be done about spam, by the users' settings and, where they set nothing, the site's. */
#ifndef FILTERD_PIPELINE_PREFERENCES_H
#define FILTERD_PIPELINE_PREFERENCES_H

#include <glib.h>

#include "base/config/settings.h"
#include "filterd/pipeline/verdict_basis.h"

/* Lists of addresses and domains, all lent; NULL: none. */
struct preferences {
    double spam_threshold, unsure_threshold; /* probabilities */
    enum spam_action action;
    char *const *allow, *const *deny; /* the user's lists */
    char *const *site_allow, *const *site_deny;
    char *const *own; /* the site's domains */
};

/* all: struct user_settings of each user of one copy. For each setting the first user who set it counts; only
 * the action, where users differ, is tag. The result lends from both arguments. */
struct preferences preferences_of(const struct settings *site, const GArray *all);
/* What a scanner and the lists decide: the user's lists before the site's, deny before allow. An allowed sender
 * must be authenticated (SPF, DKIM or DMARC), as anybody can write a From, and From have no other address; a denied
 * one need not be, and counts wherever a mail reader may see it. */
enum verdict_word preferences_word(const struct preferences *p, const struct verdict_basis *b);

#endif
