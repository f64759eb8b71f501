/* policy_session: answers an MTA that asks by Postfix's policy protocol whether to accept a recipient.
 *
 * It only greylists: "action=DEFER_IF_PERMIT 4.2.0 ..." or "action=DUNNO". Every error is answered DUNNO: a
 * filter that cannot decide does not hold up mail. */
#ifndef FILTERD_SESSION_POLICY_SESSION_H
#define FILTERD_SESSION_POLICY_SESSION_H

#include "filterd/session/session.h"

/* Serves fd until the connection ends; does not close it. */
void policy_session_run(int fd, const struct session_env *env);

#endif
