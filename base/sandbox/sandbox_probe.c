/* Tries each promise of a sandbox in a forked process. Called by sandbox_policy.c when the master starts. */
#include "base/sandbox/sandbox_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox/sandbox.h"

#define ALL (~0U)
#define OF(kind) (1U << (kind))
#define NO_GPG (OF(SANDBOX_KEEPER) | OF(SANDBOX_DELIVERY_AGENT) | OF(SANDBOX_SPF) | OF(SANDBOX_MILTER))
#define NO_WRITE (OF(SANDBOX_WORKER) | OF(SANDBOX_SPF) | OF(SANDBOX_MILTER) | OF(SANDBOX_TABLES))
#define RUNS_PROGRAMS (OF(SANDBOX_WORKER) | OF(SANDBOX_TABLES))
#define WRITES_FOLDERS (OF(SANDBOX_MASTER) | OF(SANDBOX_KEEPER) | OF(SANDBOX_DELIVERY_AGENT) | OF(SANDBOX_IMPORTER))

/* The attempts leave no trace: they open devices that all users may read and write, or make calls with invalid
 * arguments, which fail with another error if the sandbox lets them through. */

static bool opens(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool cannot_write(void)
{
    return !opens("/dev/full", O_WRONLY) && errno == EACCES;
}

static bool cannot_read(void)
{
    return !opens("/dev/zero", O_RDONLY) && errno == EACCES;
}

static bool gets_socket(int family)
{
    const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool has_no_network(void)
{
    return !gets_socket(AF_INET) && !gets_socket(AF_INET6) && !gets_socket(AF_UNIX);
}

static bool has_unix_sockets_only(void)
{
    return gets_socket(AF_UNIX) && !gets_socket(AF_INET) && !gets_socket(AF_INET6);
}

static bool has_ip_only(void)
{
    return !gets_socket(AF_UNIX);
}

static bool cannot_exec(void)
{
    char *const none[] = {NULL};
    execve("/nonexistent", none, none);
    return errno == EPERM;
}

/* Tries unshare, which every kernel has and no list allows. The deadly calls are not tried: the kernel would
 * log them. */
static bool has_call_list(void)
{
    return unshare(0) && (errno == EPERM || errno == ENOSYS);
}

/* chmod is in the list of forbidden calls of those who run other programs. */
static bool cannot_chmod(void)
{
    return chmod("/nonexistent", 0) && errno == EPERM;
}

static bool is(int what, rlim_t value)
{
    struct rlimit l;
    return getrlimit((__rlimit_resource_t)what, &l) == 0 && l.rlim_cur == value;
}

static bool makes_no_core(void)
{
    return is(RLIMIT_CORE, 1);
}

static bool makes_no_file_longer(void)
{
    return is(RLIMIT_FSIZE, 0);
}

static bool has_bounded_memory(void)
{
    return !is(RLIMIT_AS, RLIM_INFINITY);
}

static bool has_bounded_time(void)
{
    sandbox_cpu(1);
    return !is(RLIMIT_CPU, RLIM_INFINITY);
}

/* The SPF process times each question by a CPU timer, and ends if one exceeds it. */
static bool has_cpu_timer(void)
{
    const struct itimerval some = {.it_value = {.tv_sec = 1}}, none = {0};
    struct itimerval left = {0};
    return setitimer(ITIMER_PROF, &some, NULL) == 0 && setitimer(ITIMER_PROF, &none, &left) == 0 &&
           timerisset(&left.it_value);
}

static bool has_no_new_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static bool is_not_dumpable(void)
{
    return prctl(PR_GET_DUMPABLE) == 0;
}

static const struct {
    unsigned kinds;
    bool (*holds)(void);
    const char *text;
    bool not_sanitized; /* not in a sanitizer's build */
} tries[] = {
    {NO_WRITE, cannot_write, "writes no file", false},
    {WRITES_FOLDERS, cannot_write, "writes below its folders only", false},
    {OF(SANDBOX_SPF) | OF(SANDBOX_MILTER) | OF(SANDBOX_DELIVERY_AGENT), cannot_read, "reads no file", false},
    {OF(SANDBOX_KEEPER), cannot_read, "reads below its folders only", false},
    {RUNS_PROGRAMS, cannot_chmod, "changes no names and rights", false},
    {OF(SANDBOX_KEEPER) | OF(SANDBOX_DELIVERY_AGENT), has_no_network, "no network", false},
    {OF(SANDBOX_SPF), has_ip_only, "no local sockets", false},
    {OF(SANDBOX_MILTER) | OF(SANDBOX_IMPORTER), has_unix_sockets_only, "connects to local sockets only", false},
    {NO_GPG, cannot_exec, "no exec", false},
    {ALL, has_call_list, "system call list", false},
    {NO_WRITE, makes_no_file_longer, "file size 0", true},
    {ALL, makes_no_core, "core 1", false},
    {OF(SANDBOX_WORKER) | OF(SANDBOX_SPF) | OF(SANDBOX_TABLES) | OF(SANDBOX_IMPORTER), has_bounded_memory, "memory limit", true},
    {OF(SANDBOX_WORKER), has_bounded_time, "CPU limit per message", false},
    {OF(SANDBOX_SPF), has_cpu_timer, "CPU limit per question", false},
    {ALL, has_no_new_privileges, "no new privileges", false},
    {ALL, is_not_dumpable, "not dumpable", false},
};

static bool counts(enum sandbox_kind kind, size_t i)
{
#if defined(__SANITIZE_ADDRESS__)
    if (tries[i].not_sanitized)
        return false;
#endif
    return tries[i].kinds & OF(kind);
}

static void append_item(GString *list, const char *text)
{
    g_string_append_printf(list, "%s%s", list->len ? ", " : "", text);
}

static void try_all(const struct sandbox *s, int fd)
{
    const char *why;
    GString *in_force = g_string_new(NULL), *missing = g_string_new(NULL);
    const bool closed = sandbox_close(s, &why);
    for (size_t i = 0; i < G_N_ELEMENTS(tries); i++)
        if (counts(s->kind, i))
            append_item(tries[i].holds() ? in_force : missing, tries[i].text);
    if (!closed && !missing->len)
        append_item(missing, "part of it");
    GString *line = in_force->len ? in_force : g_string_assign(in_force, "nothing");
    if (missing->len)
        g_string_append_printf(line, "; MISSING: %s%s%s%s", missing->str, closed ? "" : " (",
                               closed ? "" : why, closed ? "" : ")");
    if (write(fd, line->str, line->len) != (ssize_t)line->len)
        _exit(1);
    _exit(missing->len ? 1 : 0);
}

static const char *name_of(enum sandbox_kind kind)
{
    static const char *const names[SANDBOX_KINDS] = {"master", "worker", "keeper",
                                                     "agent", "spf", "milter", "tables", "importer"};
    return names[kind];
}

char *sandbox_probe(const struct sandbox *s, bool *whole_r)
{
    char text[1024];
    int ends[2], status = 1;
    ssize_t len = 0;
    *whole_r = false;
    const pid_t pid = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        try_all(s, ends[1]);
    }
    if (pid > 0) {
        close(ends[1]);
        /* A signal of the master (SIGHUP again, a child that ended) is no answer. */
        while ((len = read(ends[0], text, sizeof text)) < 0 && errno == EINTR)
            continue;
        close(ends[0]);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    if (len <= 0)
        return g_strdup_printf("%s: it could not be tried", name_of(s->kind));
    *whole_r = status == 0;
    return g_strdup_printf("%s: %.*s", name_of(s->kind), (int)len, text);
}
