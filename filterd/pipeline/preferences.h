/* preferences: what users (or, without their word, the settings) want done about spam. */
#ifndef FILTERD_PIPELINE_PREFERENCES_H
#define FILTERD_PIPELINE_PREFERENCES_H

#include <glib.h>

#include "base/config/settings.h"
#include "filterd/pipeline/verdict_basis.h"

/* All lists are lent: addresses and domains, NULL: none. */
struct preferences {
    double spam_threshold, unsure_threshold; /* probabilities */
    enum spam_action action;
    char *const *allow, *const *deny; /* the user's */
    char *const *site_allow, *const *site_deny;
};

/* all: struct user_settings of each user of one copy. The first of them who said something is heard, but for the
 * action: that is tag where they differ. Lends from both. */
struct preferences preferences_of(const struct settings *site, const GArray *all);
/* What a scanner and the lists say: the user's before the site's, deny before allow. Who is allowed
 * must have been proved (SPF, DKIM, DMARC): a bare From is worth nothing. Who is denied need not. */
enum verdict_word preferences_word(const struct preferences *p, const struct verdict_basis *b);

#endif
