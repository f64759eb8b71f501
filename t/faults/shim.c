/* shim: preloaded into filterd, makes the n-th call of a kind fail or hang, or kills its process there.
 *
 * A page of a file shared with the test says what (FilterdTest::Faults writes it) and counts. The
 * file is opened before privileges go and stays open at a high number, also over exec: so gpg
 * behind the sandbox finds it too. Built without the sanitizers; under ASan malloc is ASan's. */
/* These are the very functions that fortified headers put others in front of, and calls for files of each
 * size go by their own names here. */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "t/faults/shim_real.h"

#define PAGE_FD 900
#define EXPORT __attribute__((visibility("default")))

static struct shim_page *page;
static enum shim_role role;
_Thread_local int shim_looking;
static uint32_t in_message; /* the order under which this worker took a connection */

/* ---- who we are ---- */

static bool is_page(int fd)
{
    struct shim_page head;
    return pread(fd, &head, 4, 0) == 4 && head.magic == SHIM_MAGIC;
}

static void map_page(void)
{
    const char *file = getenv("FAULT_FILE");
    if (!is_page(PAGE_FD)) {
        int fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR, 0) : -1;
        if (fd < 0 || dup2(fd, PAGE_FD) < 0)
            return;
        syscall(SYS_close, fd);
    }
    void *at = (void *)syscall(SYS_mmap, NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED,
                               PAGE_FD, 0);
    if (at != MAP_FAILED)
        page = at;
}

static enum shim_role role_of(const char *name)
{
    static const char *const names[] = SHIM_NAMES;
    for (int i = 0; i < SHIM_ROLES; i++)
        if (names[i] && !strncmp(names[i], name, strlen(names[i])))
            return (enum shim_role)i;
    return SHIM_NOBODY;
}

static void become(enum shim_role new)
{
    role = new;
    if (page)
        atomic_store(&page->latest[role], (uint32_t)syscall(SYS_getpid));
}

__attribute__((constructor)) static void begin(void)
{
    const enum shim_role own = role_of(program_invocation_short_name);
    if (own != SHIM_NOBODY)
        map_page();
    become(own);
}

/* ---- when it fails ---- */

static bool counts(enum shim_kind kind)
{
    const uint32_t order = atomic_load(&page->order);
    if (!order)
        return false;
    if (page->early || kind == SHIM_ACCEPT)
        return true;
    return (role != SHIM_WORKER && role != SHIM_CHILD) || in_message == order;
}

static void note_fired(enum shim_kind kind)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    page->fired_role = role;
    page->fired_kind = kind;
    page->fired_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    atomic_fetch_add(&page->fired, 1);
}

/* What this call is to do; SHIM_GO: what it always does. */
static enum shim_action judge(enum shim_kind kind)
{
    if (!page || shim_looking || !counts(kind))
        return SHIM_GO;
    atomic_fetch_add(&page->seen[role][kind], 1);
    if (!(page->roles & 1u << role) || !(page->kinds & 1u << kind))
        return SHIM_GO;
    const uint64_t n = atomic_fetch_add(&page->count, 1) + 1;
    if (n != page->nth && !(page->sticky && page->nth && n > page->nth))
        return SHIM_GO;
    note_fired(kind);
    if (page->action == SHIM_KILL) {
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
        __builtin_trap();
    }
    while (page->action == SHIM_HANG && atomic_load(&page->order))
        syscall(SYS_ppoll, NULL, 0, &(struct timespec){.tv_nsec = 100000000}, NULL, 0);
    errno = page->error;
    return (enum shim_action)page->action;
}

static bool fails(enum shim_kind kind)
{
    return judge(kind) != SHIM_GO;
}

int shim_error(enum shim_kind kind)
{
    return fails(kind) ? page->error : 0;
}

/* ---- time: where something hangs, nobody waits for minutes to see it end ---- */

EXPORT unsigned alarm(unsigned seconds)
{
    REAL(alarm);
    const bool hurry = page && page->action == SHIM_HANG && atomic_load(&page->order);
    return real(hurry && seconds ? 1 + seconds / 100 : seconds);
}

/* ---- memory ---- */

#ifndef SHIM_WITHOUT_MALLOC
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

EXPORT void *malloc(size_t n)
{
    return fails(SHIM_MALLOC) ? NULL : __libc_malloc(n);
}

EXPORT void *calloc(size_t n, size_t size)
{
    return fails(SHIM_MALLOC) ? NULL : __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t n)
{
    return fails(SHIM_MALLOC) ? NULL : __libc_realloc(p, n);
}
#endif

EXPORT void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    REAL(mmap);
    return fails(SHIM_MMAP) ? MAP_FAILED : real(at, len, protection, flags, fd, offset);
}

EXPORT void *mmap64(void *at, size_t len, int protection, int flags, int fd, off64_t offset)
{
    return mmap(at, len, protection, flags, fd, offset);
}

/* ---- bytes in and out: FAIL, END (as if there were no more) or SHORT ---- */

#define MOVE(kind, len, call)                                                                      \
    switch (judge(kind)) {                                                                         \
    case SHIM_FAIL:                                                                                \
        return -1;                                                                                 \
    case SHIM_END:                                                                                 \
        return 0;                                                                                  \
    case SHIM_SHORT:                                                                               \
        len = len > 1 ? len / 2 : len;                                                             \
        break;                                                                                     \
    default:                                                                                       \
        break;                                                                                     \
    }                                                                                              \
    return call

/* A socket's other side may end at any time; a pipe's end is what its writer said. */
static bool is_pipe(int fd)
{
    const int before = errno;
    const bool pipe = syscall(SYS_lseek, fd, 0, SEEK_CUR) < 0 && errno == ESPIPE &&
                      getsockopt(fd, SOL_SOCKET, SO_TYPE, &(int){0}, &(socklen_t){sizeof(int)}) < 0;
    errno = before;
    return pipe;
}

EXPORT ssize_t read(int fd, void *data, size_t len)
{
    REAL(read);
    if (page && page->action == SHIM_END && is_pipe(fd))
        return real(fd, data, len);
    MOVE(SHIM_READ, len, real(fd, data, len));
}

EXPORT ssize_t recv(int fd, void *data, size_t len, int flags)
{
    REAL(recv);
    MOVE(SHIM_READ, len, real(fd, data, len, flags));
}

EXPORT ssize_t recvfrom(int fd, void *data, size_t len, int flags, struct sockaddr *from,
                        socklen_t *size)
{
    REAL(recvfrom);
    MOVE(SHIM_READ, len, real(fd, data, len, flags, from, size));
}

EXPORT ssize_t pread(int fd, void *data, size_t len, off_t at)
{
    REAL(pread);
    MOVE(SHIM_READ, len, real(fd, data, len, at));
}

EXPORT ssize_t pread64(int fd, void *data, size_t len, off64_t at)
{
    return pread(fd, data, len, at);
}

EXPORT ssize_t write(int fd, const void *data, size_t len)
{
    REAL(write);
    MOVE(SHIM_WRITE, len, real(fd, data, len));
}

EXPORT ssize_t send(int fd, const void *data, size_t len, int flags)
{
    REAL(send);
    MOVE(SHIM_WRITE, len, real(fd, data, len, flags));
}

EXPORT ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
                      socklen_t size)
{
    REAL(sendto);
    MOVE(SHIM_WRITE, len, real(fd, data, len, flags, to, size));
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg);
    return fails(SHIM_WRITE) ? -1 : real(fd, message, flags);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(writev);
    return fails(SHIM_WRITE) ? -1 : real(fd, parts, count);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    REAL(pwrite);
    MOVE(SHIM_PWRITE, len, real(fd, data, len, at));
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    return pwrite(fd, data, len, at);
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    REAL(poll);
    const enum shim_action action = judge(SHIM_POLL);
    if (action == SHIM_FAIL)
        return -1;
    return action == SHIM_GO ? real(fds, n, timeout_ms) : 0;
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout_ms, size_t size)
{
    (void)size;
    return poll(fds, n, timeout_ms);
}

EXPORT int epoll_create1(int flags)
{
    REAL(epoll_create1);
    return fails(SHIM_POLL) ? -1 : real(flags);
}

EXPORT int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    REAL(epoll_ctl);
    return fails(SHIM_POLL) ? -1 : real(epoll, what, fd, event);
}

EXPORT int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout_ms)
{
    REAL(epoll_wait);
    const enum shim_action action = judge(SHIM_POLL);
    if (action == SHIM_FAIL)
        return -1;
    return action == SHIM_GO ? real(epoll, events, most, timeout_ms) : 0;
}

/* ---- processes and sockets ---- */

static pid_t fork_counted(void)
{
    static const enum shim_role child_of[SHIM_ROLES] = {
        [SHIM_MASTER] = SHIM_YOUNG, [SHIM_WORKER] = SHIM_CHILD, [SHIM_PIPE] = SHIM_INNER,
        [SHIM_INNER] = SHIM_CHILD};
    REAL(fork)
    pid_t pid = fails(SHIM_FORK) ? -1 : real();
    if (pid == 0 && child_of[role])
        become(child_of[role]);
    return pid;
}

EXPORT pid_t fork(void)
{
    return fork_counted();
}

EXPORT pid_t vfork(void)
{
    return fork_counted();
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[],
                       char *const envp[])
{
    REAL(posix_spawn);
    return fails(SHIM_FORK) ? EAGAIN : real(pid, path, actions, attributes, argv, envp);
}

EXPORT int posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[],
                        char *const envp[])
{
    static char preload[1024], *with[16];
    REAL(posix_spawnp);
    size_t n = 0;
    for (; envp[n] && n < 14; n++)
        with[n] = envp[n];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", getenv("LD_PRELOAD"));
    with[n] = preload; /* gpg is given a clean environment: it is to have us all the same */
    with[n + 1] = NULL;
    return fails(SHIM_FORK) ? EAGAIN : real(pid, path, actions, attributes, argv, with);
}

EXPORT int execv(const char *path, char *const argv[])
{
    REAL(execv);
    return fails(SHIM_EXEC) ? -1 : real(path, argv);
}

/* The roles are told by the names that processes give themselves. */
EXPORT int prctl(int option, ...)
{
    unsigned long a[4];
    va_list ap;
    va_start(ap, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(ap, unsigned long);
    va_end(ap);
    if (option == PR_SET_NAME)
        become(role_of((const char *)a[0]));
    return (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

EXPORT int accept4(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
    REAL(accept4);
    if (fails(SHIM_ACCEPT))
        return -1;
    int client = real(fd, from, size, flags);
    if (client >= 0 && page)
        in_message = atomic_load(&page->order);
    return client;
}

EXPORT int connect(int fd, const struct sockaddr *to, socklen_t size)
{
    REAL(connect);
    return fails(SHIM_CONNECT) ? -1 : real(fd, to, size);
}

EXPORT int socket(int domain, int type, int protocol)
{
    REAL(socket);
    return fails(SHIM_SOCKET) ? -1 : real(domain, type, protocol);
}

EXPORT int socketpair(int domain, int type, int protocol, int pair[2])
{
    REAL(socketpair);
    return fails(SHIM_SOCKET) ? -1 : real(domain, type, protocol, pair);
}

EXPORT int pipe(int ends[2])
{
    REAL(pipe);
    return fails(SHIM_SOCKET) ? -1 : real(ends);
}

EXPORT int pipe2(int ends[2], int flags)
{
    REAL(pipe2);
    return fails(SHIM_SOCKET) ? -1 : real(ends, flags);
}

/* ---- files ---- */

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    return fails(SHIM_OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    return open(path, flags, mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
    REAL(fopen64);
    return fails(SHIM_OPEN) ? NULL : real(path, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
    return fopen64(path, mode);
}

EXPORT DIR *opendir(const char *path)
{
    REAL(opendir);
    return fails(SHIM_OPEN) ? NULL : real(path);
}

EXPORT int stat64(const char *path, struct stat64 *st)
{
    REAL(stat64);
    return fails(SHIM_STAT) ? -1 : real(path, st);
}

EXPORT int lstat64(const char *path, struct stat64 *st)
{
    REAL(lstat64);
    return fails(SHIM_STAT) ? -1 : real(path, st);
}

EXPORT int fstat64(int fd, struct stat64 *st)
{
    REAL(fstat64);
    return fails(SHIM_STAT) ? -1 : real(fd, st);
}

/* struct stat is struct stat64 here. */
EXPORT int stat(const char *path, struct stat *st)
{
    return stat64(path, (struct stat64 *)st);
}

EXPORT int lstat(const char *path, struct stat *st)
{
    return lstat64(path, (struct stat64 *)st);
}

EXPORT int fstat(int fd, struct stat *st)
{
    return fstat64(fd, (struct stat64 *)st);
}

EXPORT int access(const char *path, int mode)
{
    REAL(access);
    return fails(SHIM_STAT) ? -1 : real(path, mode);
}

EXPORT ssize_t readlink(const char *path, char *to, size_t size)
{
    REAL(readlink);
    return fails(SHIM_STAT) ? -1 : real(path, to, size);
}

EXPORT int fsync(int fd)
{
    REAL(fsync);
    return fails(SHIM_SYNC) ? -1 : real(fd);
}

EXPORT int fdatasync(int fd)
{
    REAL(fdatasync);
    return fails(SHIM_SYNC) ? -1 : real(fd);
}

EXPORT int ftruncate64(int fd, off64_t len)
{
    REAL(ftruncate64);
    return fails(SHIM_SYNC) ? -1 : real(fd, len);
}

EXPORT int ftruncate(int fd, off_t len)
{
    return ftruncate64(fd, len);
}

EXPORT int rename(const char *from, const char *to)
{
    REAL(rename);
    return fails(SHIM_RENAME) ? -1 : real(from, to);
}

EXPORT int link(const char *from, const char *to)
{
    REAL(link);
    return fails(SHIM_RENAME) ? -1 : real(from, to);
}

EXPORT int unlink(const char *path)
{
    REAL(unlink);
    return fails(SHIM_RENAME) ? -1 : real(path);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    return fails(SHIM_RENAME) ? -1 : real(path, mode);
}

/* The page stays open whatever is closed in bulk. */
EXPORT int close(int fd)
{
    return page && fd == PAGE_FD ? 0 : (int)syscall(SYS_close, fd);
}

EXPORT int close_range(unsigned from, unsigned to, int flags)
{
    if (from > PAGE_FD || to < PAGE_FD)
        return (int)syscall(SYS_close_range, from, to, flags);
    if (from < PAGE_FD)
        syscall(SYS_close_range, from, PAGE_FD - 1, flags);
    return to == PAGE_FD ? 0 : (int)syscall(SYS_close_range, PAGE_FD + 1, to, flags);
}

EXPORT int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from)
{
    (void)actions; /* all others are closed on exec */
    (void)from;
    return 0;
}

EXPORT void closefrom(int from)
{
    close_range((unsigned)from, ~0u, 0);
}
