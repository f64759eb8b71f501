/* spf_helper: asks the SPF process, and asks its successor if it dies. */
#ifndef RULES_AUTH_SPF_HELPER_H
#define RULES_AUTH_SPF_HELPER_H

#include <stdbool.h>

#include "base/config/settings.h"
#include "rules/auth/spf_result.h"

struct spf_helper;

/* Of those behind a door (see spf_door.h), whose outer end is lent; connects at the first question. */
struct spf_helper *spf_helper_new(int outside);
/* Of a process of our own, for programs that are no daemon: it is forked here, so call this before mail was
 * seen. NULL if that failed. */
struct spf_helper *spf_helper_new_own(const struct settings *s);
void spf_helper_free(struct spf_helper **h);
/* One question at a time; a new one makes the old one's answer void. False: temperror. */
bool spf_helper_ask(struct spf_helper *h, const struct spf_question *q);
/* Readable when something is to be taken; another one after each spf_helper_take; -1: nothing is asked. */
int spf_helper_fd(const struct spf_helper *h);
/* True: the answer. False: it is not there yet, and perhaps has been asked for again meanwhile: a process
 * that died of another question is followed by the next one, once. */
bool spf_helper_take(struct spf_helper *h, struct spf_result *result_r);
/* Nobody waits any more: temperror. */
struct spf_result spf_helper_give_up(struct spf_helper *h);

#endif
