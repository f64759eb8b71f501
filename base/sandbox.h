/* sandbox: what a process gives up before it sees a byte of mail. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>

/* Gives up, for this process and all it starts, every right to write to, make, remove, link or
 * rename files (Landlock, ABI 1 and up), except below writable (may be NULL) and to /dev/null,
 * which gpg opens for writing. No new privileges, no core, not dumpable.
 * False where the kernel has no Landlock; *why_r (static text) says so. */
bool sandbox_no_writes(const char *writable, const char **why_r);

#endif
