/* spf_helper: the worker's client of the SPF process. If that dies, it asks the process that takes over. */
#ifndef RULES_AUTH_SPF_HELPER_H
#define RULES_AUTH_SPF_HELPER_H

#include <stdbool.h>

#include "base/config/settings.h"
#include "rules/auth/spf_result.h"

struct spf_helper;

/* Uses the daemon's SPF processes. outside: the outer end of their door (spf_door.h), lent. Connects with the
 * first question. */
struct spf_helper *spf_helper_new(int outside);
/* Forks an SPF process of its own, for programs without the daemon; call it before the program has seen any
 * mail. NULL if that failed. */
struct spf_helper *spf_helper_new_own(const struct settings *s);
void spf_helper_free(struct spf_helper **h);
/* Sends one question; a new one cancels the one before. False: it could not be sent, so the result is
 * temperror. */
bool spf_helper_ask(struct spf_helper *h, const struct spf_question *q);
/* Descriptor to poll for the answer, -1 if no question is open. Get it again after each spf_helper_take, which
 * may reconnect. */
int spf_helper_fd(const struct spf_helper *h);
/* True with the answer. False: not there yet. If the process died of another worker's question, this one was
 * sent once more, to the process that took over. */
bool spf_helper_take(struct spf_helper *h, struct spf_result *result_r);
/* Cancels the open question; the result is temperror. */
struct spf_result spf_helper_give_up(struct spf_helper *h);

#endif
