/* Tries as filterd's user whether a path can be used, in a process of its own. Called by the checks; prove_host.c asks
 * for the daemon's pid. */
#include "tools/filterctl/check/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filterd/keeper/keeper.h"

#define GROUPS 256

/* The master bound the control socket, so SO_PEERCRED of a connection names it. */
pid_t filterctl_reach_daemon(const struct settings *s)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    const int fd = keeper_connect(&s->control);
    if (fd < 0)
        return 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
        peer.pid = 0;
    close(fd);
    return peer.pid;
}

const char *filterctl_reach_user(const struct settings *s)
{
    const struct passwd *pw = s->user ? NULL : getpwuid(geteuid());
    return s->user ? s->user : pw ? pw->pw_name : "root";
}

/* The groups of a process beside its first; how many, -1: it cannot be told. */
static int groups_of(pid_t pid, gid_t groups[GROUPS])
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid), *text = NULL;
    const char *line = pid && g_file_get_contents(path, &text, NULL, NULL) ? strstr(text, "\nGroups:") : NULL;
    int n = 0;
    if (!line)
        return -1;
    for (char *end, *p = (char *)line + strlen("\nGroups:"); n < GROUPS; p = end) {
        p += strspn(p, " \t");
        const unsigned long group = strtoul(p, &end, 10);
        if (end == p)
            break;
        groups[n++] = (gid_t)group;
    }
    return n;
}

static bool become(const struct passwd *pw, const gid_t *groups, int count)
{
    if (geteuid() == pw->pw_uid && geteuid() != 0)
        return true;
    return (count < 0 ? initgroups(pw->pw_name, pw->pw_gid) : setgroups((size_t)count, groups)) == 0 &&
           setgid(pw->pw_gid) == 0 && setuid(pw->pw_uid) == 0;
}

int filterctl_reach_try(const struct settings *s, pid_t daemon, const char *path, int how)
{
    gid_t groups[GROUPS];
    const struct passwd *pw = getpwnam(filterctl_reach_user(s));
    if (!pw || (geteuid() != 0 && geteuid() != pw->pw_uid))
        return ENOSYS;
    const int count = groups_of(daemon, groups);
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(!become(pw, groups, count) ? ENOSYS : access(path, how) ? errno : 0);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : ENOSYS;
}

struct refusal {
    int index, why;
};

static struct refusal refusal_of(const char *const *paths, int how)
{
    for (int i = 0; paths[i]; i++)
        if (access(paths[i], how))
            return (struct refusal){i, errno};
    return (struct refusal){-1, 0};
}

int filterctl_reach_first(const char *user, bool alone, const char *const *paths, int how, int *why_r)
{
    struct refusal found = {-1, 0};
    int ends[2], status;
    const struct passwd *pw = getpwnam(user);
    if (!pw || geteuid() != 0 || pipe2(ends, O_CLOEXEC))
        return -1;
    const pid_t pid = fork();
    if (pid == 0) {
        const gid_t own = pw->pw_gid;
        const bool ok = become(pw, &own, alone ? 1 : -1);
        found = ok ? refusal_of(paths, how) : found;
        _exit(write(ends[1], &found, sizeof found) != sizeof found);
    }
    close(ends[1]);
    if (read(ends[0], &found, sizeof found) != sizeof found)
        found = (struct refusal){-1, 0};
    close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    *why_r = found.why;
    return found.index;
}
