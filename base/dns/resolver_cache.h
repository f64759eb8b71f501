/* resolver_cache: answers, each kept for its TTL; the oldest go first when the cache is full. */
#ifndef BASE_DNS_RESOLVER_CACHE_H
#define BASE_DNS_RESOLVER_CACHE_H

#include "base/dns/dns_answer.h"

struct resolver_cache;
struct resolver_cache *resolver_cache_new(void);
void resolver_cache_free(struct resolver_cache **c);
/* The answer cached under key, its ttl reduced to what is left; NULL if there is none. Lent until the next
 * resolver_cache_put. */
struct dns_answer *resolver_cache_get(struct resolver_cache *c, const char *key);
/* Caches an answer (takes a reference) for its ttl, at most an hour; not at all if that is 0. */
void resolver_cache_put(struct resolver_cache *c, const char *key, struct dns_answer *answer);

#endif
