/* spf_pair: the two SPF processes of the daemon, one that answers and one that takes over (see
 * rules/auth/spf_process.h), and their door. */
#ifndef FILTERD_SPF_PAIR_H
#define FILTERD_SPF_PAIR_H

#include <stdbool.h>

#include "base/config/settings.h"
#include "filterd/children.h"

/* Makes the door, if these settings want SPF, before anybody is forked. False, with errno. */
bool spf_pair_open(struct children *c, const struct settings *s);
/* Starts those that are missing. */
void spf_pair_start(struct children *c);
/* After a reload: those who are asked now serve their askers to the end, who go, too; new ones are started
 * for new workers. False, with errno, and all stays as it was. */
bool spf_pair_renew(struct children *c, const struct settings *s);
/* Nobody asks any more: they end by themselves. */
void spf_pair_dismiss(struct children *c);
int spf_pair_left(const struct children *c);
void spf_pair_kill(const struct children *c, int sig);

#endif
