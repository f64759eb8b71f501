/* preferences: what users (or, without their word, the settings) want done about spam. */
#ifndef FILTERD_PIPELINE_PREFERENCES_H
#define FILTERD_PIPELINE_PREFERENCES_H

#include <glib.h>

#include "base/config/settings.h"
#include "filterd/pipeline/service.h"
#include "filterd/pipeline/verdict_basis.h"

struct preferences {
    double spam_threshold, unsure_threshold; /* probabilities */
    enum spam_action action;
    char **allow, **deny; /* addresses and domains; NULL: none */
    char *const *site_allow, *const *site_deny; /* lent */
};

/* Of several users of one copy the first who said something is heard, but for the action: that is
 * tag where they differ. */
struct preferences preferences_of(struct service *sv, const GPtrArray *users);
void preferences_clear(struct preferences *p);
/* What a scanner and the lists say: the user's before the site's, deny before allow. Who is allowed
 * must have been proved (SPF, DKIM, DMARC): a bare From is worth nothing. Who is denied need not. */
enum verdict_word preferences_word(const struct preferences *p, const struct verdict_basis *b);

#endif
