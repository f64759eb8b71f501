/* sandbox_parts: what sandbox_close is put together from; for base/sandbox*.c alone. */
#ifndef BASE_SANDBOX_SANDBOX_PARTS_H
#define BASE_SANDBOX_SANDBOX_PARTS_H

#include <stddef.h>

#include "base/sandbox/sandbox_kind.h"

/* The version of the kernel's Landlock, 0: none (errno says why). */
int sandbox_parts_landlock_abi(void);
/* NULL, or what is missing (static text). No new privileges must be set. */
const char *sandbox_parts_landlock(const struct sandbox *s);
const char *sandbox_parts_calls(enum sandbox_kind kind);
const char *sandbox_parts_limits(const struct sandbox *s);
/* Takes back what sandbox_cpu set. */
void sandbox_parts_cpu_lift(void);
/* On i386 the C library makes sockets by a call for all purposes (socketcall), whose arguments a filter
 * does not see: there no family is kept from anybody who may have sockets, and the probe says so. */
#if defined(__i386__)
#define SANDBOX_SEES_FAMILIES 0
#else
#define SANDBOX_SEES_FAMILIES 1
#endif

/* The address space a worker may have, in bytes. */
unsigned long long sandbox_parts_memory(size_t message_bytes);

#endif
