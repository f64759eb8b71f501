/* inside: preloaded into filterd; whoever connects to a listener named inside.sock has a worker try, behind its closed
 * sandbox, what a captured one would. The client sends one line, what to try, and reads one line per attempt. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/sockios.h>

#define EXPORT __attribute__((visibility("default")))
#define MEMORY_DEVICES 1

static int client;

static void say(const char *format, ...)
{
    char line[8192];
    va_list list;
    va_start(list, format);
    const int n = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    size_t len = n < (int)sizeof line - 1 ? (size_t)n : sizeof line - 2;
    line[len++] = '\n';
    for (size_t at = 0; at < len;) {
        const ssize_t sent = write(client, line + at, len - at);
        if (sent <= 0)
            return;
        at += (size_t)sent;
    }
}

/* ---- descriptors ---- */

/* What kind of socket without a name this is, and whose the other end is. */
static void name_socket(int fd, char *out, size_t size)
{
    struct sockaddr_un peer = {0};
    socklen_t len = sizeof peer - 1, type_len = sizeof(int);
    int type = 0;
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len);
    if (getpeername(fd, (struct sockaddr *)&peer, &len))
        peer.sun_path[0] = '\0';
    snprintf(out, size, "socket %d of %s", type, peer.sun_path[0] ? peer.sun_path : "-");
}

static void descriptors(void)
{
    DIR *all = opendir("/proc/self/fd");
    for (const struct dirent *e; all && (e = readdir(all));) {
        char path[64], target[4096];
        const int fd = atoi(e->d_name);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        const ssize_t n = readlink(path, target, sizeof target - 1);
        if (e->d_name[0] == '.' || n < 0 || fd == dirfd(all) || fd == client)
            continue;
        target[n] = '\0';
        struct sockaddr_un un = {0};
        socklen_t len = sizeof un - 1;
        const int flags = fcntl(fd, F_GETFL);
        if (getsockname(fd, (struct sockaddr *)&un, &len))
            un.sun_family = AF_UNSPEC;
        if (un.sun_family == AF_UNIX && !un.sun_path[0])
            name_socket(fd, target, sizeof target);
        say("%d %s%s%s %s", fd, (flags & O_ACCMODE) == O_RDONLY ? "r" : "", (flags & O_ACCMODE) == O_WRONLY ? "w" : "",
            (flags & O_ACCMODE) == O_RDWR ? "rw" : "",
            un.sun_family == AF_UNIX && un.sun_path[0] ? un.sun_path
            : un.sun_family == AF_INET                 ? "inet"
                                                       : target);
    }
    closedir(all);
}

/* ---- paths ---- */

static unsigned long tried;

static void allowed(const char *what, const char *path)
{
    say("allowed %s %s", what, path);
}

static void try_open(const char *what, const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0600);
    tried++;
    if (fd >= 0) {
        allowed(what, path);
        close(fd);
    }
}

static void try_socket(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof un.sun_path)
        return;
    strcpy(un.sun_path, path);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof un) == 0) {
        allowed("bind", path);
        unlink(path);
    }
    close(fd);
}

static void try_folder(const char *path)
{
    char name[4200], other[4210];
    snprintf(name, sizeof name, "%s/.inside.%d", path, (int)getpid());
    snprintf(other, sizeof other, "%s.2", name);
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        allowed("create", name);
        close(fd);
        unlink(name);
    }
    try_open("create unnamed", path, O_WRONLY | O_TMPFILE);
    if (mkdir(name, 0700) == 0) {
        allowed("mkdir", name);
        rmdir(name);
    }
    if (symlink("/", name) == 0 || mknod(name, S_IFIFO | 0600, 0) == 0 || link("/proc/self/exe", name) == 0) {
        allowed("link or fifo", name);
        unlink(name);
    }
    if (rename(name, other) == 0 || errno != EPERM)
        allowed("rename", name);
    if (unlink(name) == 0 || errno != EPERM)
        allowed("unlink", name);
    if (rmdir(name) == 0 || errno != EPERM)
        allowed("rmdir", name);
    try_socket(name);
    tried += 8;
}

static void try_file(const char *path, const struct stat *st)
{
    try_open("write", path, O_WRONLY);
    try_open("read and write", path, O_RDWR);
    try_open("append", path, O_WRONLY | O_APPEND);
    if (truncate(path, st->st_size) == 0)
        allowed("truncate", path);
    tried++;
}

static void try_rights(const char *path, const struct stat *st)
{
    const struct timespec none[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
    if (chmod(path, st->st_mode & 07777) == 0)
        allowed("chmod", path);
    if (lchown(path, st->st_uid, st->st_gid) == 0)
        allowed("chown", path);
    if (utimensat(AT_FDCWD, path, none, AT_SYMLINK_NOFOLLOW) == 0)
        allowed("utimens", path);
    tried += 3;
}

/* Only what the file's own permissions would let us do. */
static int visit(const char *path, const struct stat *st, int type, struct FTW *unused)
{
    static const char *const elsewhere[] = {"/proc", "/sys"};
    (void)unused;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (!strcmp(path, elsewhere[i]))
            return FTW_SKIP_SUBTREE;
    if (type == FTW_NS || type == FTW_SL || type == FTW_SLN)
        return FTW_CONTINUE;
    if (st->st_uid == geteuid() && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISSOCK(st->st_mode)))
        try_rights(path, st);
    if (access(path, W_OK))
        return FTW_CONTINUE;
    if (S_ISDIR(st->st_mode))
        try_folder(path);
    else if (S_ISREG(st->st_mode))
        try_file(path, st);
    else if (S_ISCHR(st->st_mode) && major(st->st_rdev) == MEMORY_DEVICES)
        try_open("write", path, O_WRONLY);
    if (S_ISREG(st->st_mode) && strstr(path, "/state/"))
        say("tried %s", path);
    return FTW_CONTINUE;
}

/* ---- /proc ---- */

static void try_process(const char *pid)
{
    static const char *const secret[] = {"mem", "environ", "auxv", "maps", "io", "syscall", "stack"};
    char path[600];
    const bool own = atoi(pid) == getpid();
    snprintf(path, sizeof path, "/proc/%s", pid);
    DIR *all = opendir(path);
    for (const struct dirent *e; all && (e = readdir(all));) {
        snprintf(path, sizeof path, "/proc/%s/%s", pid, e->d_name);
        if (e->d_type == DT_REG)
            try_open("write", path, O_WRONLY);
    }
    if (all)
        closedir(all);
    for (size_t i = 0; i < sizeof secret / sizeof *secret && !own; i++) {
        char byte;
        snprintf(path, sizeof path, "/proc/%s/%s", pid, secret[i]);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && read(fd, &byte, 1) > 0)
            allowed("read", path);
        if (fd >= 0)
            close(fd);
    }
}

static bool is_ours(const char *pid)
{
    char path[300], name[32] = "";
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool ok = fd >= 0 && read(fd, name, sizeof name - 1) > 0 && !strncmp(name, "filterd", 7);
    if (fd >= 0)
        close(fd);
    return ok;
}

static void processes(void)
{
    DIR *all = opendir("/proc");
    unsigned n = 0;
    for (const struct dirent *e; all && (e = readdir(all));)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && is_ours(e->d_name)) {
            try_process(e->d_name);
            n++;
        }
    closedir(all);
    say("processes %u", n);
}

static void paths(void)
{
    nftw("/", visit, 64, FTW_PHYS | FTW_ACTIONRETVAL);
    processes();
    say("attempts %lu", tried);
}

/* ---- signals ---- */

static void attempt(const char *what, long rc)
{
    say("%s %d", what, rc < 0 ? errno : 0);
}

static void signals(void)
{
    const siginfo_t info = {.si_code = SI_QUEUE};
    const pid_t master = getppid();
    const struct f_owner_ex owner = {F_OWNER_PID, master};
    const struct sched_param param = {0};
    struct rlimit limit = {1, 1};
    cpu_set_t where;
    sched_getaffinity(0, sizeof where, &where);
    const int pidfd = (int)syscall(SYS_pidfd_open, master, 0);
    attempt("kill", kill(master, 0));
    attempt("kill-itself", kill(getpid(), 0));
    attempt("kill-group", kill(0, 0));
    attempt("kill-all", kill(-1, 0));
    attempt("tkill", syscall(SYS_tkill, master, 0));
    attempt("tgkill", syscall(SYS_tgkill, master, master, 0));
    attempt("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, master, 0, &info));
    attempt("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, master, master, 0, &info));
    attempt("pidfd_open", pidfd);
    attempt("pidfd_send_signal", syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
    attempt("F_SETOWN", fcntl(client, F_SETOWN, master));
    attempt("F_SETOWN_EX", fcntl(client, F_SETOWN_EX, &owner));
    attempt("F_SETSIG", fcntl(client, F_SETSIG, SIGKILL));
    attempt("FIOSETOWN", ioctl(client, FIOSETOWN, &master));
    attempt("SIOCSPGRP", ioctl(client, SIOCSPGRP, &master));
    attempt("setpriority", setpriority(PRIO_PROCESS, (id_t)master, 0));
    attempt("sched_setaffinity", sched_setaffinity(master, sizeof where, &where));
    attempt("sched_setscheduler", sched_setscheduler(master, SCHED_OTHER, &param));
    attempt("prlimit", syscall(SYS_prlimit64, master, RLIMIT_NOFILE, &limit, NULL));
    signal(SIGWINCH, SIG_IGN);
    attempt("itself", raise(SIGWINCH) ? -1 : 0);
}

/* ---- locks ---- */

static void locks(const char *path)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    attempt("open", fd);
    attempt("flock", flock(fd, LOCK_SH | LOCK_NB));
    attempt("flock-exclusive", flock(fd, LOCK_EX | LOCK_NB));
    attempt("F_OFD_SETLK", fcntl(fd, F_OFD_SETLK, &lock));
    attempt("F_OFD_SETLKW", fcntl(fd, F_OFD_SETLKW, &lock));
    attempt("F_SETLEASE", fcntl(fd, F_SETLEASE, F_RDLCK));
    attempt("F_NOTIFY", fcntl(fd, F_NOTIFY, DN_MODIFY));
    attempt("setsid", setsid());
    attempt("setpgid", setpgid(0, 0));
    close(fd);
}

static int hold(const char *path)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : fcntl(fd, F_SETLK, &lock);
}

static void start_holder(const char *path, int ready)
{
    if (fork() != 0)
        return;
    close(client);
    hold(path);
    if (write(ready, "", 1) < 0)
        _exit(1);
    for (;;)
        pause();
}

/* Holds the lock for ever; or so many children hold it, and others follow those that are ended. */
static void hold_for_ever(const char *path, int children)
{
    sigset_t all;
    int ready[2];
    char byte;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (pipe(ready))
        return;
    for (int i = 0; i < children; i++)
        start_holder(path, ready[1]);
    for (int i = 0; i < children; i++)
        attempt("hold", read(ready[0], &byte, 1) - 1);
    if (!children)
        attempt("hold", hold(path));
    say("end");
    close(client);
    for (;;)
        if (wait(NULL) > 0)
            start_holder(path, ready[1]);
        else
            pause();
}

/* ---- memory that is shared with others ---- */

static void scribble(int byte)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned n = 0;
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || strcmp(rights, "rw-s") != 0)
            continue;
        memset((void *)from, byte, to - from);
        n++;
    }
    if (maps)
        fclose(maps);
    say("shared %u", n);
}

static void obey(void)
{
    char word[512] = "", path[512];
    int children;
    size_t len = 0;
    while (len < sizeof word - 1 && read(client, word + len, 1) == 1 && word[len] != '\n')
        len++;
    word[len] = '\0';
    if (!strcmp(word, "fds"))
        descriptors();
    else if (!strcmp(word, "paths"))
        paths();
    else if (!strcmp(word, "signals"))
        signals();
    else if (sscanf(word, "locks %511s", path) == 1)
        locks(path);
    else if (sscanf(word, "hold %d %511s", &children, path) == 2)
        hold_for_ever(path, children);
    else if (!strncmp(word, "scribble ", 9))
        scribble(atoi(word + 9));
    say("end");
}

EXPORT int accept4(int fd, struct sockaddr *from, socklen_t *from_len, int flags)
{
    static int (*real)(int, struct sockaddr *, socklen_t *, int);
    struct sockaddr_un un = {0};
    socklen_t len = sizeof un - 1;
    if (!real)
        real = (int (*)(int, struct sockaddr *, socklen_t *, int))dlsym(RTLD_NEXT, "accept4");
    const int got = real(fd, from, from_len, flags);
    if (got < 0 || getsockname(got, (struct sockaddr *)&un, &len) || un.sun_family != AF_UNIX ||
        !strstr(un.sun_path, "/inside.sock"))
        return got;
    client = got;
    obey();
    close(got);
    errno = EAGAIN;
    return -1;
}
