/* rules: what a process keeps from message to message to find evidence (evidence.h). */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "base/config/settings.h"
#include "base/dns/resolver.h"
#include "rules/auth/dkim.h"
#include "rules/auth/spf_helper.h"
#include "rules/dnsbl.h"

/* The fields are for evidence.c. */
struct rules {
    const struct settings *settings;
    struct resolver *resolver;    /* NULL: no name server can be asked */
    struct dnsbl *dnsbl;          /* NULL: no lists */
    struct dkim_library *dkim;    /* NULL: not checked */
    struct spf_helper *spf;       /* NULL: not checked */
};

/* For spf_door: there is no daemon, so that a process for us alone is forked. */
enum { RULES_NO_DOOR = -1 };
/* After fork. spf_door: where the door to the daemon's SPF processes is, lent. What cannot be had is logged and done
 * without. Never NULL. */
struct rules *rules_new(const struct settings *s, int spf_door);
/* Tries again what could not be had: name servers, lists. */
void rules_mend(struct rules *r);
void rules_free(struct rules **r);

#endif
