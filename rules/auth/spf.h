/* spf: one SPF check (RFC 7208) with libspf2; it is run again each time answers have arrived.
 *
 * spf_process calls it, in a process that may die of it: libspf2 calls abort(), and its results need
 * correcting. A run never waits. If it needs an answer that is not there yet, it is abandoned, and the check
 * starts again from its beginning when the answer has come. */
#ifndef RULES_AUTH_SPF_H
#define RULES_AUTH_SPF_H

#include <stdbool.h>

#include "base/dns/resolver.h"
#include "rules/auth/spf_result.h"

struct spf_check;

/* Copies the question. woken is called from resolver_pump when the check can go on; it must not run or free the
 * check itself. Never NULL. */
struct spf_check *spf_check_new(struct resolver *r, const struct spf_question *q,
                                void (*woken)(void *arg), void *arg);
void spf_check_free(struct spf_check **c);
/* True with the result. False if an answer is missing: run it again after woken was called. */
bool spf_check_run(struct spf_check *c, struct spf_result *result_r);
/* Call when the check's time is over: missing answers now count as temporary errors, so the next run is the
 * last. */
void spf_check_stop(struct spf_check *c);

#endif
