/* The memory, CPU time, file sizes and descriptors that a process may use (rlimits). Called by sandbox_close,
 * and by a worker's session before each command (sandbox_cpu). */
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>

#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_parts.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* About three times what was measured: 23 MB in an idle worker, 221 MB in one with a message of 48 MB. */
#define MEMORY_BASE (256ULL << 20)
#define MEMORY_PER_BYTE 8

/* For the SPF process: measured 12 MB, and each open question may hold 256 KB of answers. */
#define MEMORY_SPF (512ULL << 20)

/* For the tables' process, which has whole files in memory and 100,000 answers; its postmap has the same limit, as
 * have the importer and its gpg. */
#define MEMORY_TABLES (2048ULL << 20)

unsigned long long sandbox_parts_memory(size_t message_bytes)
{
    return MEMORY_BASE + MEMORY_PER_BYTE * (unsigned long long)message_bytes;
}

/* The last limit set and when: a session calls sandbox_cpu before each command. */
static unsigned allowed_seconds;
static time_t allowed_at;

static int limit(int what, rlim_t most)
{
    struct rlimit l;
    if (getrlimit((__rlimit_resource_t)what, &l))
        return -1;
    if (l.rlim_max == RLIM_INFINITY || l.rlim_max > most)
        l.rlim_max = most;
    l.rlim_cur = l.rlim_max;
    return setrlimit((__rlimit_resource_t)what, &l);
}

/* The keeper, the milter, SPF and tables' processes serve all workers: they need more descriptors. */
static rlim_t files(enum sandbox_kind kind)
{
    return kind == SANDBOX_KEEPER || kind == SANDBOX_MILTER || kind == SANDBOX_SPF || kind == SANDBOX_TABLES ? 4096 : 1024;
}

const char *sandbox_parts_limits(const struct sandbox *s)
{
    const bool writes = s->kind == SANDBOX_KEEPER || s->kind == SANDBOX_DELIVERY_AGENT || s->kind == SANDBOX_IMPORTER;
    /* 1, not 0: the kernel ignores 0 when core_pattern is a pipe. */
    const struct rlimit one = {1, 1};
    if (setrlimit(RLIMIT_CORE, &one))
        return "setrlimit refused";
    if (s->kind == SANDBOX_MASTER)
        return NULL;
    int rc = limit(RLIMIT_NOFILE, files(s->kind));
    /* A sanitizer maps terabytes, and writes its report to stderr, which may be a file. */
    if (!SANITIZED && !writes) {
        signal(SIGXFSZ, SIG_IGN); /* a library's message to a stderr that is a file must not cost mail */
        rc |= limit(RLIMIT_FSIZE, 0);
    }
    if (!SANITIZED && s->kind == SANDBOX_WORKER && s->message_bytes)
        rc |= limit(RLIMIT_AS, sandbox_parts_memory(s->message_bytes));
    if (!SANITIZED && s->kind == SANDBOX_SPF)
        rc |= limit(RLIMIT_AS, MEMORY_SPF);
    if (!SANITIZED && (s->kind == SANDBOX_TABLES || s->kind == SANDBOX_IMPORTER))
        rc |= limit(RLIMIT_AS, MEMORY_TABLES);
    return rc ? "setrlimit refused" : NULL;
}

void sandbox_parts_cpu_lift(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_CPU, &l))
        return;
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_CPU, &l);
    allowed_seconds = 0;
}

void sandbox_cpu(unsigned seconds)
{
    struct timespec now;
    struct rusage used;
    struct rlimit l;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    /* Set less than a second ago: a single thread has used less than a second of CPU since. */
    if (seconds == allowed_seconds && now.tv_sec == allowed_at)
        return;
    if (getrusage(RUSAGE_SELF, &used) || getrlimit(RLIMIT_CPU, &l))
        return;
    rlim_t most = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 + seconds;
    l.rlim_cur = l.rlim_max == RLIM_INFINITY || most < l.rlim_max ? most : l.rlim_max;
    if (setrlimit(RLIMIT_CPU, &l))
        return;
    allowed_seconds = seconds;
    allowed_at = now.tv_sec;
}
