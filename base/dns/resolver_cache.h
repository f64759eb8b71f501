/* resolver_cache: answers kept for their TTL, the oldest given up when there is no more room. */
#ifndef BASE_DNS_RESOLVER_CACHE_H
#define BASE_DNS_RESOLVER_CACHE_H

#include "base/dns/dns_answer.h"

struct resolver_cache;
struct resolver_cache *resolver_cache_new(void);
void resolver_cache_free(struct resolver_cache **c);
/* The answer kept under a key, its ttl what is left of it; NULL if there is none. Lent until the
 * next resolver_cache_put. */
struct dns_answer *resolver_cache_get(struct resolver_cache *c, const char *key);
/* Keeps an answer (a reference is taken) for its ttl, at most an hour; not at all if that is 0. */
void resolver_cache_put(struct resolver_cache *c, const char *key, struct dns_answer *answer);

#endif
