/* sandbox_parts: the steps of sandbox_close; for base/sandbox/ alone. */
#ifndef BASE_SANDBOX_SANDBOX_PARTS_H
#define BASE_SANDBOX_SANDBOX_PARTS_H

#include <stddef.h>

#include "base/sandbox/sandbox_kind.h"

/* The kernel's Landlock version; 0: none (errno says why). */
int sandbox_parts_landlock_abi(void);
/* Each returns NULL, or what is missing (static text). PR_SET_NO_NEW_PRIVS must be set before. */
const char *sandbox_parts_landlock(const struct sandbox *s);
const char *sandbox_parts_calls(enum sandbox_kind kind);
const char *sandbox_parts_limits(const struct sandbox *s);
/* Raises the soft CPU limit, which sandbox_cpu sets, to the hard one. */
void sandbox_parts_cpu_lift(void);
/* On i386 the C library makes sockets by socketcall, whose arguments a filter cannot see: a process that may
 * have sockets may have them of any family there, and the probe reports that. */
#if defined(__i386__)
#define SANDBOX_SEES_FAMILIES 0
#else
#define SANDBOX_SEES_FAMILIES 1
#endif

/* The address space a worker may have, in bytes. */
unsigned long long sandbox_parts_memory(size_t message_bytes);

#endif
