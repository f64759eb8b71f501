/* sandbox: what a process gives up before it sees a byte of mail, each kind for its work.
 *
 * Landlock takes files away, seccomp system calls, rlimits what a message may use. All of it is
 * inherited by what the process starts, and nobody can take it back. */
#ifndef BASE_SANDBOX_SANDBOX_H
#define BASE_SANDBOX_SANDBOX_H

#include <stdbool.h>

#include "base/sandbox/sandbox_kind.h"

/* For this process and all it starts, for ever; while it has one thread. Sockets, and for the milter processes
 * libgcc, are to be had before. False where something could not be had: the rest is in force all the
 * same, and *why_r (static text) is the first thing that is missing. */
bool sandbox_close(const struct sandbox *s, const char **why_r);
/* From now on this process has that much CPU time, give or take a second, before SIGXCPU ends it (the
 * MTA still has the message). What it starts later has as much again, and what was used
 * before. */
void sandbox_cpu(unsigned seconds);

#endif
