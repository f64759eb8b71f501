/* spf: one SPF check (RFC 7208) over libspf2, run again as answers come in.
 *
 * Called by spf_process, in a process that may die of it: libspf2 calls abort(), and its answers need
 * mending. It never waits: a run that wants an answer which is not there yet is given up, and the check is
 * run again from its start when that answer has come. */
#ifndef RULES_AUTH_SPF_H
#define RULES_AUTH_SPF_H

#include <stdbool.h>

#include "base/dns/resolver.h"
#include "rules/auth/spf_result.h"

struct spf_check;

/* The question is copied. woken is called, out of resolver_pump, when the check can go on; it must not run
 * or free the check itself. Never NULL. */
struct spf_check *spf_check_new(struct resolver *r, const struct spf_question *q,
                                void (*woken)(void *arg), void *arg);
void spf_check_free(struct spf_check **c);
/* False: it wants an answer that is not there yet; run it again when woken was called. */
bool spf_check_run(struct spf_check *c, struct spf_result *result_r);
/* Its time is over: what is not answered now is temporarily unknown, and the next run is the last. */
void spf_check_stop(struct spf_check *c);

#endif
