/* spf_lookup: the DNS queries of one SPF check. Each is sent once, many run at the same time, and nothing
 * waits. */
#ifndef RULES_AUTH_SPF_LOOKUP_H
#define RULES_AUTH_SPF_LOOKUP_H

#include <stdbool.h>

#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"

/* For so many runs a check is run again as soon as the answer it needs arrives: once for the first record, and
 * twice for each of ten terms. A check that needs more (many MX hosts, answering one by one) is then run again
 * only when all its queries are answered. */
#define SPF_LOOKUP_RUNS 22
/* Limit for the answers that one check keeps, in bytes; answers beyond it count as DNS_TEMP. */
#define SPF_LOOKUP_BYTES (256 * 1024)

struct spf_lookup;

/* woken is called from resolver_pump when the check can go on. */
struct spf_lookup *spf_lookup_new(struct resolver *r, void (*woken)(void *arg), void *arg);
void spf_lookup_free(struct spf_lookup **l);
/* Call at the start of each run. */
void spf_lookup_begin(struct spf_lookup *l);
/* Sends the query in advance, unless it was sent before. */
void spf_lookup_start(struct spf_lookup *l, const char *name, enum dns_type type);
/* The answer, lent until spf_lookup_free; sends the query if it was not sent before. If the answer is not there
 * yet, spf_lookup_is_waiting is true from now on, and the answer returned (DNS_TEMP) means nothing. */
const struct dns_answer *spf_lookup_get(struct spf_lookup *l, const char *name,
                                        enum dns_type type);
/* True if this run needed an answer that is not there yet, so its outcome is void. */
bool spf_lookup_is_waiting(const struct spf_lookup *l);
/* From now on a missing answer counts as DNS_TEMP. */
void spf_lookup_stop(struct spf_lookup *l);

#endif
