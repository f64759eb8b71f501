/* spf_lookup: the DNS questions of one SPF check: each asked once, many at once; it never waits. */
#ifndef RULES_AUTH_SPF_LOOKUP_H
#define RULES_AUTH_SPF_LOOKUP_H

#include <stdbool.h>

#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"

/* So often a check is run again as soon as the one answer it stopped at is there: once for the first
 * record, and twice for each of ten terms. A check with more to ask (the hosts of many MX, each answering
 * at another time) goes on only when all it has asked is answered. */
#define SPF_LOOKUP_RUNS 22
/* What one check may keep of answers, in bytes; what comes after that is as good as no answer. */
#define SPF_LOOKUP_BYTES (256 * 1024)

struct spf_lookup;

/* woken is called when the check can go on, out of resolver_pump. */
struct spf_lookup *spf_lookup_new(struct resolver *r, void (*woken)(void *arg), void *arg);
void spf_lookup_free(struct spf_lookup **l);
/* The check begins from its start. */
void spf_lookup_begin(struct spf_lookup *l);
/* Asks. */
void spf_lookup_start(struct spf_lookup *l, const char *name, enum dns_type type);
/* Asks if need be. Lent until spf_lookup_free. Where the answer is not there yet spf_lookup_is_waiting
 * from now on, and what is returned (DNS_TEMP) stands for nothing. */
const struct dns_answer *spf_lookup_get(struct spf_lookup *l, const char *name,
                                        enum dns_type type);
/* True if this run wanted an answer that is not there yet: its outcome is none. */
bool spf_lookup_is_waiting(const struct spf_lookup *l);
/* From now on, no answer yet means DNS_TEMP. */
void spf_lookup_stop(struct spf_lookup *l);

#endif
