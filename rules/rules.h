/* rules: the resources for evidence.h that a process keeps from message to message. */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "base/config/settings.h"
#include "base/dns/resolver.h"
#include "rules/auth/dkim.h"
#include "rules/auth/spf_helper.h"
#include "rules/dnsbl.h"

/* Only evidence.c uses the fields. */
struct rules {
    const struct settings *settings;
    struct resolver *resolver;    /* NULL: no name server available */
    struct dnsbl *dnsbl;          /* NULL: no DNS lists */
    struct dkim_library *dkim;    /* NULL: not checked */
    struct spf_helper *spf;       /* NULL: not checked */
};

/* Values of spf_door. RULES_NO_DOOR: there is no daemon, so fork an SPF process for this program alone.
 * RULES_NO_SPF: SPF is never checked, because no client address is ever known. */
enum { RULES_NO_DOOR = -1, RULES_NO_SPF = -2 };
/* Call after fork. spf_door: the outer end of the door to the daemon's SPF processes (spf_door.h), lent. What
 * is not available is logged and left out. Never NULL. */
struct rules *rules_new(const struct settings *s, int spf_door);
/* Tries again to get what was not available: name servers, DNS lists. */
void rules_mend(struct rules *r);
void rules_free(struct rules **r);

#endif
