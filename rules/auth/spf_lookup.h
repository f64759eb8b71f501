/* spf_lookup: the DNS questions of one SPF check: each asked once, many at once, under one
 * deadline. */
#ifndef RULES_AUTH_SPF_LOOKUP_H
#define RULES_AUTH_SPF_LOOKUP_H

#include "base/dns/resolver.h"

struct spf_lookup;

/* stop_fd: readable means that nobody waits for the check any more; -1: none. */
struct spf_lookup *spf_lookup_new(struct resolver *r, int timeout_ms, int stop_fd);
void spf_lookup_free(struct spf_lookup **l);
/* Asks, and does not wait. */
void spf_lookup_start(struct spf_lookup *l, const char *name, enum dns_type type);
/* Asks if need be, and waits. Lent until spf_lookup_free; DNS_TEMP after the deadline. */
const struct dns_answer *spf_lookup_get(struct spf_lookup *l, const char *name,
                                        enum dns_type type);

#endif
