/* sandbox_probe: what a closed sandbox really holds, by trying it. */
#ifndef BASE_SANDBOX_SANDBOX_PROBE_H
#define BASE_SANDBOX_SANDBOX_PROBE_H

#include <stdbool.h>

#include "base/sandbox/sandbox_kind.h"

/* Forks a process that closes s and tries what must be gone. Text for one line of the log, "KIND: what
 * is in force" and, if something is missing, "; MISSING: what (why)"; free it with g_free.
 * *whole_r: nothing is missing. */
char *sandbox_probe(const struct sandbox *s, bool *whole_r);

#endif
