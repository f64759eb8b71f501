/* guard: which sandbox each kind of our processes has, and whether it holds here. */
#ifndef BASE_SANDBOX_SANDBOX_POLICY_H
#define BASE_SANDBOX_SANDBOX_POLICY_H

#include <stdbool.h>

#include "base/config/settings.h"
#include "base/sandbox/sandbox_kind.h"

/* Closes it around this process. False, with a line in the log, if something is missing and
 * sandbox=required. */
bool sandbox_policy_close(const struct settings *s, enum sandbox_kind kind);
/* Tries the sandbox of each kind of process these settings start, and logs a line for each that says
 * what is in force. False, with a line in the log, as above. */
bool sandbox_policy_check(const struct settings *s);
/* True if a next hop is a maildir: there are delivery agents. */
bool sandbox_policy_has_maildir(const struct settings *s);

#endif
