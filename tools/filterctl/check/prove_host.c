/* What of this host may write mail to disk behind everybody's back: swap, core dumps, and a daemon without
 * its sandbox. Called by prove.c. */
#include <errno.h>
#include <glib.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/check/prove.h"
#include "tools/filterctl/check/reach.h"

#define DEPTH 6

/* ---- disks ---- */

/* True if the device is dm-crypt, or lies on dm-crypt devices only (LVM, RAID). */
static bool is_encrypted(const char *sysfs, int depth)
{
    g_autofree char *file = g_build_filename(sysfs, "dm", "uuid", NULL);
    g_autofree char *below = g_build_filename(sysfs, "slaves", NULL);
    g_autofree char *uuid = NULL;
    if (g_file_get_contents(file, &uuid, NULL, NULL) && g_str_has_prefix(uuid, "CRYPT-"))
        return true;
    GDir *dir = depth < DEPTH ? g_dir_open(below, 0, NULL) : NULL;
    const char *name;
    int all = 0, encrypted = 0;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *slave = g_build_filename(below, name, NULL);
        all++;
        encrypted += is_encrypted(slave, depth + 1);
    }
    if (dir)
        g_dir_close(dir);
    return all > 0 && all == encrypted;
}

static enum filterctl_disk device(dev_t dev)
{
    g_autofree char *sysfs = g_strdup_printf("/sys/dev/block/%u:%u", major(dev), minor(dev));
    return is_encrypted(sysfs, 0) ? DISK_ENCRYPTED : DISK_PLAIN;
}

enum filterctl_disk filterctl_disk_of(const char *path)
{
    struct statfs fs;
    struct stat st;
    g_autofree char *folder = g_path_get_dirname(path);
    const char *there = access(path, F_OK) == 0 ? path : folder; /* the file may be gone by now */
    /* On 32-bit hosts f_type is signed; these magic numbers are not. */
    if (statfs(there, &fs) == 0 && ((guint32)fs.f_type == TMPFS_MAGIC || (guint32)fs.f_type == RAMFS_MAGIC))
        return DISK_MEMORY;
    return stat(there, &st) == 0 ? device(st.st_dev) : DISK_PLAIN;
}

static enum filterctl_disk swap_area(const char *path)
{
    struct stat st;
    if (strstr(path, "zram"))
        return DISK_MEMORY;
    if (stat(path, &st))
        return DISK_PLAIN;
    return S_ISBLK(st.st_mode) ? device(st.st_rdev) : filterctl_disk_of(path);
}

static void tell_swap(struct filterctl_check *c)
{
    char path[512];
    int areas = 0, plain = 0;
    FILE *in = fopen("/proc/swaps", "re");
    if (!in && (errno != ENOENT || access("/proc/meminfo", F_OK))) { /* else the kernel was built without swap */
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "swap", "/proc/swaps cannot be read: nothing is proved of it");
        return;
    }
    while (in && fscanf(in, "%511s%*[^\n]", path) == 1) {
        if (*path != '/')
            continue;
        areas++;
        if (swap_area(path) != DISK_PLAIN)
            continue;
        plain++;
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "swap",
                             "%s is on a disk that is not encrypted: memory of Postfix and Dovecot that holds mail "
                             "may be written there (filterd's unit forbids it for filterd)", path);
    }
    if (in)
        fclose(in);
    if (!areas)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "swap", "there is none");
    else if (!plain)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "swap", "encrypted, or in memory");
}

/* ---- the daemon as it runs ---- */

struct daemon {
    pid_t master;
    bool piped; /* core_pattern pipes cores to a program */
    int processes, unprivileged, filtered, coreless, fileless;
    int hidden; /* children whose /proc files we may not read */
};

static char *read_proc(const char *pid, const char *name)
{
    g_autofree char *path = g_build_filename("/proc", pid, name, NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

/* The number after a name at the start of a line; -1 if there is none, as with "unlimited". */
static long long number_after(const char *text, const char *name)
{
    g_autofree char *line = g_strconcat("\n", name, NULL);
    const char *at = text ? strstr(text, line) : NULL;
    if (!at)
        return -1;
    at += strlen(line) + strspn(at + strlen(line), " \t");
    return g_ascii_isdigit(*at) ? g_ascii_strtoll(at, NULL, 10) : -1;
}

/* True if the process has ended. When one ends its limits become empty first: without this look it would
 * pass for one whose files we may not read. */
static bool has_ended(const char *pid)
{
    g_autofree char *status = read_proc(pid, "status");
    return !status || strstr(status, "\nState:\tZ") || strstr(status, "\nState:\tX");
}

static void look_at(struct daemon *d, const char *pid)
{
    g_autofree char *status = read_proc(pid, "status");
    g_autofree char *limits = read_proc(pid, "limits");
    if (number_after(status, "PPid:") != d->master || has_ended(pid))
        return;
    if (!limits || !*limits) {
        d->hidden++;
        return;
    }
    const long long core = number_after(limits, "Max core file size");
    d->processes++;
    d->unprivileged += number_after(status, "NoNewPrivs:") == 1;
    d->filtered += number_after(status, "Seccomp:") == 2;
    d->coreless += core == 1 || (core == 0 && !d->piped); /* the kernel ignores a limit of 0 when it pipes cores */
    d->fileless += number_after(limits, "Max file size") == 0;
}

static struct daemon look(pid_t master, bool piped)
{
    struct daemon d = {.master = master, .piped = piped};
    GDir *dir = g_dir_open("/proc", 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir)))
        if (g_ascii_isdigit(*name))
            look_at(&d, name);
    if (dir)
        g_dir_close(dir);
    return d;
}

static void tell_cores(const struct daemon *d, struct filterctl_check *c)
{
    const int some = d->processes - d->coreless;
    if (some)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "core",
                             "%d of %d processes of filterd can leave a core, which holds mail in plaintext%s", some,
                             d->processes, d->piped ? ": core_pattern is a program's, only a limit of 1 keeps it away" : "");
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "core", "none of %d processes of filterd can leave a core",
                             d->processes);
}

static void tell_daemon(const struct daemon *d, struct filterctl_check *c)
{
    const bool all = d->unprivileged == d->processes && d->filtered == d->processes;
    if (d->hidden)
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "sandbox",
                             "%d processes of filterd are there, but cannot be looked into: nothing is proved of them",
                             d->hidden);
    if (!d->processes && d->hidden)
        return;
    if (!d->processes) {
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "sandbox",
                             "the processes of filterd cannot be seen in /proc: nothing is proved of them");
        return;
    }
    filterctl_check_tell(c, all ? FILTERCTL_CHECK_OK : FILTERCTL_CHECK_WARNING, "sandbox",
                         "of %d processes of filterd %d can gain no privileges, %d have their system calls "
                         "filtered, %d can write no file",
                         d->processes, d->unprivileged, d->filtered, d->fileless);
    tell_cores(d, c);
}

void filterctl_disk_tell(struct filterctl_check *c)
{
    const pid_t master = filterctl_reach_daemon(c->ctl->settings);
    g_autofree char *pattern = NULL;
    tell_swap(c);
    if (!master) {
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "sandbox", "no filterd answers: nothing to look at");
        return;
    }
    g_file_get_contents("/proc/sys/kernel/core_pattern", &pattern, NULL, NULL);
    const struct daemon d = look(master, !pattern || *pattern == '|'); /* unknown: assume the worse, a pipe */
    tell_daemon(&d, c);
}
