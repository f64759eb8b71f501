/* sandbox: the rights that a process gives up before it reads a byte of mail, according to its kind.
 *
 * Landlock restricts files, seccomp system calls, rlimits memory, CPU and descriptors. Child processes inherit
 * all of it, and none of it can be undone. */
#ifndef BASE_SANDBOX_SANDBOX_H
#define BASE_SANDBOX_SANDBOX_H

#include <stdbool.h>

#include "base/sandbox/sandbox_kind.h"

/* Closes the sandbox around this process and all that it starts, for ever. Call it while there is one thread,
 * after all sockets are open. If something is not available, the rest is in force all the same: returns false,
 * and *why_r (static text) is the first thing missing. */
bool sandbox_close(const struct sandbox *s, const char **why_r);
/* True if this kernel has Landlock for us, so that a closed sandbox restricts files. Ask before closing one. */
bool sandbox_has_landlock(void);
/* Gives this process seconds of CPU time from now on, give or take one, before SIGXCPU ends it (the MTA still
 * has the message). A child started later may use as much, plus what this process had used before. */
void sandbox_cpu(unsigned seconds);

#endif
