/* policy_session: one MTA that asks by Postfix's policy protocol whether to take a recipient.
 *
 * Greylisting is all it does: "action=DEFER_IF_PERMIT 4.2.0 ..." or "action=DUNNO". Whatever is
 * unforeseen is answered DUNNO: a filter that cannot decide does not hold up mail. */
#ifndef FILTERD_SESSION_POLICY_SESSION_H
#define FILTERD_SESSION_POLICY_SESSION_H

#include "filterd/session/session.h"

/* Serves fd to its end; does not close it. */
void policy_session_run(int fd, const struct session_place *place);

#endif
