/* Preloaded into gpg (see engine.c): ends gpg when memory or time runs out, and keeps others of its user out of it.
 *
 * Memory: libgcrypt overlooks failed allocations in places (key arithmetic, the digest over the message); gpg then
 * reports success for a message that nobody can open. gpg 2.2.40 did so for 4 of the 1,000 allocations of a message. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "gpg/preload/lifetime.h"

#define EXIT_NO_MEMORY 2 /* gpg's own exit code when it notices a lack of memory */

/* Time: GPGME starts gpg in a grandchild, for which nobody could set a timer, and a worker may send it no signal. One
 * that gpg/child.c has started has its timer already. */
__attribute__((constructor)) static void bound_life(void)
{
    struct itimerval timer;
    if (!getitimer(ITIMER_REAL, &timer) && !timerisset(&timer.it_value))
        alarm(LIFETIME_SECONDS);
}

/* Plaintext and session keys: without Landlock any other process of the same user could read them by /proc/PID/mem.
 * exec made the process dumpable again. */
__attribute__((constructor)) static void keep_others_out(void)
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        _exit(EXIT_NO_MEMORY);
}

#define EXPORT __attribute__((visibility("default")))

static void *surely(void *p)
{
    if (!p)
        _exit(EXIT_NO_MEMORY);
    return p;
}

EXPORT void *malloc(size_t size)
{
    static void *(*real)(size_t);
    if (!real)
        real = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    return surely(real(size));
}

EXPORT void *calloc(size_t n, size_t size)
{
    static void *(*real)(size_t, size_t);
    if (!real)
        real = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    return surely(real(n, size));
}

EXPORT void *realloc(void *p, size_t size)
{
    static void *(*real)(void *, size_t);
    if (!real)
        real = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    return size ? surely(real(p, size)) : real(p, size); /* size 0 frees the block */
}
