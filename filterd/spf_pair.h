/* spf_pair: the daemon's two SPF processes, one that answers and one that takes over (see
 * rules/auth/spf_process.h), and the door: the socket through which workers ask them. */
#ifndef FILTERD_SPF_PAIR_H
#define FILTERD_SPF_PAIR_H

#include <stdbool.h>

#include "base/config/settings.h"
#include "filterd/children.h"

/* Makes the door, if these settings want SPF; call it before the first fork. False, and logged: it failed. */
bool spf_pair_open(struct children *c, const struct settings *s);
/* Starts the SPF processes that are missing. */
void spf_pair_start(struct children *c);
/* After a reload: makes a new door and new processes for new workers. The old processes serve the old workers
 * until those end, and end with them. False, and logged: it failed, nothing changes. */
bool spf_pair_renew(struct children *c, const struct settings *s);
/* Closes the master's end of the door: the processes end when the workers have. */
void spf_pair_dismiss(struct children *c);

#endif
