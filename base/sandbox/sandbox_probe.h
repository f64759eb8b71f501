/* sandbox_probe: tries what a closed sandbox really forbids. */
#ifndef BASE_SANDBOX_SANDBOX_PROBE_H
#define BASE_SANDBOX_SANDBOX_PROBE_H

#include <stdbool.h>

#include "base/sandbox/sandbox_kind.h"

/* Forks a process that closes s and tries what s must forbid. Returns text for one line of the log, "KIND: what
 * is in force" and, if something is missing, "; MISSING: what (why)"; g_free it. *whole_r: nothing is missing. */
char *sandbox_probe(const struct sandbox *s, bool *whole_r);

#endif
