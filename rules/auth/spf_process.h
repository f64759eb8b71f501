/* spf_process: one SPF check after the other, in a process that may die of it (see spf.h). */
#ifndef RULES_AUTH_SPF_PROCESS_H
#define RULES_AUTH_SPF_PROCESS_H

#include "rules/auth/spf.h"

struct spf_process_wait {
    int timeout_ms;
    int stop_fd; /* readable: nobody waits for the answer any more; -1: none */
};

/* spf_check's inside. */
struct spf_result spf_process_check(struct resolver *r, const struct spf_question *q,
                                    const struct spf_process_wait *w);

#endif
