/* Closes the sandbox: privileges, limits, Landlock, then system calls. Called through sandbox_policy.c by every
 * process, and by sandbox_probe.c. */
#include "base/sandbox/sandbox.h"

#include <execinfo.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "base/sandbox/sandbox_parts.h"

/* libseccomp may loop for ever when an allocation fails: end the process then, the master starts a new one.
 * Closing takes some 20 ms. */
#define CLOSING_CPU_SECONDS 10

static const char *privileges(void)
{
    return prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? "prctl refused"
                                                                               : NULL;
}

/* The end of a thread loads libgcc, when files can no longer be opened: load it now. */
static void load_libgcc(void)
{
    void *frame[1];
    backtrace(frame, 1);
}

bool sandbox_close(const struct sandbox *s, const char **why_r)
{
    if (s->kind == SANDBOX_MILTER)
        load_libgcc();
    sandbox_cpu(CLOSING_CPU_SECONDS);
    const char *missing[] = {
        sandbox_parts_limits(s),
        privileges(),
        sandbox_parts_landlock(s),
        sandbox_parts_calls(s->kind), /* last: it forbids calls that the others need */
    };
    *why_r = NULL;
    for (size_t i = 0; i < sizeof missing / sizeof *missing && !*why_r; i++)
        *why_r = missing[i];
    if (s->kind != SANDBOX_WORKER) /* a worker sets its own limit in each session */
        sandbox_parts_cpu_lift();
    return !*why_r;
}
