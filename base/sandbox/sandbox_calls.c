/* The system calls that a process may still make (seccomp). Called by sandbox_close.
 *
 * A process that runs no foreign program has a list of allowed calls; all others fail with ENOSYS, so that
 * libraries fall back to older calls. A worker runs gpg (as does the importer; the tables' process runs postmap), whose calls change with each release of it and its
 * libraries, and a forgotten one would stop delivery: so a worker has a list of forbidden calls instead, in
 * addition to Landlock, which does not cover chmod and, in older kernels, truncate. */
#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_parts.h"

/* The first call newer than these lists, and the last of a range reserved for future ones. */
#define NEW_CALLS_FROM 452
#define NEW_CALLS_TO 511
#define FAMILIES 46
#define LOW_HALF 0xffffffffULL /* the bits that the kernel reads of an int argument */

#define END NULL

/* Neither filterd nor gpg uses these: a process that calls one has been taken over, and the kernel kills it. */
static const char *const deadly[] = {
#if !defined(__SANITIZE_ADDRESS__) /* a sanitizer's build uses it at exit to look for leaks */
    "ptrace",
#endif
    "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
    "bpf", "perf_event_open", "userfaultfd", "kexec_load", "kexec_file_load", "init_module",
    "finit_module", "delete_module", "create_module", "reboot", "swapon", "swapoff", "acct",
    "mount", "umount", "umount2", "pivot_root", "move_mount", "open_tree", "fsopen", "fsmount",
    "fsconfig", "fspick", "mount_setattr", "setns", "quotactl", "quotactl_fd", "iopl", "ioperm",
    "modify_ldt", "vm86", "vm86old", "clock_settime", "settimeofday", "stime", "adjtimex",
    "clock_adjtime", "clock_settime64", "clock_adjtime64", "sethostname", "setdomainname", "open_by_handle_at", "fanotify_init",
    "fanotify_mark", "lookup_dcookie", "nfsservctl", "vhangup", "syslog", "uselib", "_sysctl",
    "sysfs", "ustat", "move_pages", "migrate_pages", END};

/* Calls that neither a worker nor its gpg needs: names, owners and modes of files, and ways around the rest. */
static const char *const forbidden[] = {
    "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "rename", "renameat",
    "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "mkdir",
    "mkdirat", "mknod", "mknodat", "creat", "truncate", "truncate64", "ftruncate", "ftruncate64",
    "fallocate", "utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "fsetxattr",
    "removexattr", "lremovexattr", "fremovexattr", "name_to_handle_at", "chroot", "setuid",
    "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid",
    "capset", "unshare", "personality", "keyctl", "add_key", "request_key", "memfd_create",
    "memfd_secret", "pidfd_open", "pidfd_send_signal", "listen", "shmget", "shmat", "msgget",
    "semget", "mq_open", "mbind", "set_mempolicy", "remap_file_pages", "vmsplice", "inotify_init",
    "inotify_init1",
    "setsid", "setpgid", /* a session of its own would hide whose child a process is */
    /* what reaches other processes of our uid; a filter cannot tell which are our own */
    "kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "setpriority", "ioprio_set",
    "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr",
    /* the same for 32 bits */
    "chown32", "fchown32", "lchown32", "setuid32", "setgid32", "setreuid32", "setregid32",
    "setresuid32", "setresgid32", "setgroups32", "setfsuid32", "setfsgid32", "utimensat_time64", END};

/* What the importer needs of them, to make a folder of keys; all in it is filterd's own user's. */
static const char *const for_importer[] = {"fchmod", "fchmodat", "chmod", "fchownat", "rename", "renameat", "renameat2",
                                           "symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat",
                                           "ftruncate", "ftruncate64", "fallocate", "utimensat", END};

/* The master's children inherit its list: it has what none of them needs. Landlock before version 3 does not stop
 * truncate. */
static const char *const for_no_master[] = {"unshare", "truncate", "truncate64", END};

/* Libraries try these and fall back if the kernel does not have them: answered ENOSYS. */
static const char *const unknown[] = {"clone3", "openat2", "io_uring_setup", "io_uring_enter",
                                      "io_uring_register", END};

static const char *const for_all[] = {
    "read", "readv", "write", "writev", "pread64", "close", "close_range", "lseek", "_llseek",
    "stat", "fstat", "lstat", "stat64", "fstat64", "lstat64", "newfstatat", "fstatat64", "statx",
    "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd", "open", "openat",
    "dup", "dup2", "dup3", "pipe", "pipe2", "poll", "ppoll", "select",
    "_newselect", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "eventfd2", "munmap", "mremap", "brk", "madvise", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sigreturn", "rt_sigpending", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack", "alarm", "setitimer", "getitimer", "clock_gettime",
    "clock_gettime64", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "times", "getrandom", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid",
    "getresuid", "getresgid", "getgroups", "getrlimit", "ugetrlimit", "getrusage", "sysinfo",
    "uname", "futex", "futex_time64", "set_robust_list", "get_robust_list", "rseq",
    "set_tid_address", "sched_yield", "sched_getaffinity", "membarrier", "getcpu", "exit", "exit_group", "restart_syscall", "arch_prctl", "recv", "recvfrom", "recvmsg",
    "recvmmsg", "send", "sendto", "sendmsg", "sendmmsg", "shutdown", "getsockopt", "setsockopt",
    "getsockname", "getpeername",
    /* the same for 32 bits */
    "getuid32", "geteuid32", "getgid32", "getegid32", "getresuid32", "getresgid32", "getgroups32",
    "sigprocmask", "ppoll_time64", "pselect6_time64", "recvmmsg_time64", "rt_sigtimedwait_time64",
    "clock_getres_time64", "clock_nanosleep_time64", "set_thread_area", END};

/* For SQLite, the keys of the day and the lock file; pidfd_open tells whether a worker lives. */
static const char *const for_keeper[] = {
    "accept", "accept4", "pwrite64", "fsync", "fdatasync", "ftruncate", "ftruncate64", "unlink",
    "unlinkat", "mkdir", "mkdirat", "link", "linkat", "rename", "renameat", "renameat2", "fchmod",
    "fchown", "flock", "getdents64", "getdents", "statfs", "fstatfs",
    "fadvise64", "readahead", "umask", "pidfd_open", "fchown32", "fadvise64_64", "statfs64", "fstatfs64", END};
static const char *const for_delivery_agent[] = {"fsync", "fdatasync", "unlink", "unlinkat", "mkdir",
                                          "mkdirat", "rename", "renameat", "renameat2", "umask",
                                          END};
static const char *const for_spf[] = {"connect", "bind", END};
static const char *const for_front[] = {"accept", "accept4", "connect", "listen",
                                        "sched_getparam", "sched_getscheduler", END};

/* Answered EPERM rather than ENOSYS, so that a log shows what was tried. */
static const char *const refused[] = {"execve", "execveat", "fork", "vfork", "kill", "tkill",
                                      "rt_sigqueueinfo", "rt_tgsigqueueinfo",
                                      "pidfd_send_signal", END};
/* The keeper looks by it whether a worker lives, and can send nothing there. */
static const char *const refused_but_to_keeper[] = {"pidfd_open", END};

/* The uses of fcntl that our libraries have. F_SETOWN with F_SETSIG, for one, sends any signal to anybody. */
static const int fcntl_uses[] = {F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ};
/* SQLite's locks, also of 32 bits. */
static const int fcntl_for_keeper[] = {5, 6, 7, 12, 13, 14};
/* And those that a worker and gpg must not have. SQLite's readers lock by F_SETLK, where the kernel says who holds
 * a lock; a lease stops whoever opens the file for writing. */
static const int fcntl_not_for_workers[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG, F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE, F_NOTIFY};
static const int ioctl_owners[] = {FIOSETOWN, SIOCSPGRP};

/* Adds one rule per name. Returns 0, or libseccomp's first error. */
static int each(scmp_filter_ctx c, uint32_t action, const char *const *names)
{
    int rc = 0;
    for (; *names && !rc; names++) {
        int call = seccomp_syscall_resolve_name(*names);
        if (call != __NR_SCMP_ERROR) /* of another architecture, or newer than libseccomp */
            rc = seccomp_rule_add(c, action, call, 0);
    }
    return rc;
}

static bool is_in(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name))
        names++;
    return *names;
}

/* The same without the names in except. */
static int each_but(scmp_filter_ctx c, uint32_t action, const char *const *names, const char *const *except)
{
    int rc = 0;
    for (; *names && !rc; names++) {
        const char *const one[] = {*names, END};
        if (!is_in(except, *names))
            rc = each(c, action, one);
    }
    return rc;
}

#define RULE(c, action, call, ...) \
    seccomp_rule_add_array(c, action, SCMP_SYS(call), \
                           sizeof((struct scmp_arg_cmp[]){__VA_ARGS__}) / sizeof(struct scmp_arg_cmp), \
                           (struct scmp_arg_cmp[]){__VA_ARGS__})
/* Sets all four fields: libseccomp's macros leave out the last, and clang warns. */
#define COMPARE(n, how, a, b) ((struct scmp_arg_cmp){(n), (how), (a), (b)})
#define IS(n, value) COMPARE(n, SCMP_CMP_MASKED_EQ, LOW_HALF, (value))
#define HAS(n, bits) COMPARE(n, SCMP_CMP_MASKED_EQ, (bits), (bits))
#define LACKS(n, bits) COMPARE(n, SCMP_CMP_MASKED_EQ, (bits), 0)
#define EQUALS(n, value) COMPARE(n, SCMP_CMP_EQ, (value), 0)
#define DIFFERS(n, value) COMPARE(n, SCMP_CMP_NE, (value), 0)
#define NO SCMP_ACT_ERRNO(EPERM)
#define NO_SUCH_CALL SCMP_ACT_ERRNO(ENOSYS)

/* Adds one rule per use of fcntl. */
static int each_fcntl(scmp_filter_ctx c, uint32_t action, const int *uses, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++)
        rc = RULE(c, action, fcntl, IS(1, (scmp_datum_t)uses[i])) ||
             RULE(c, action, fcntl64, IS(1, (scmp_datum_t)uses[i]));
    return rc;
}

/* abort() and raise() send the signal by tgkill. gpg, which inherits the filter, has another pid: its abort() ends
 * by an illegal instruction. */
static int forbid_signals(scmp_filter_ctx c)
{
    int rc = RULE(c, NO, tgkill, DIFFERS(0, (scmp_datum_t)getpid())) ||
             each_fcntl(c, NO, fcntl_not_for_workers, sizeof fcntl_not_for_workers / sizeof *fcntl_not_for_workers);
    for (size_t i = 0; i < sizeof ioctl_owners / sizeof *ioctl_owners && !rc; i++)
        rc = RULE(c, NO, ioctl, IS(1, (scmp_datum_t)ioctl_owners[i]));
    return rc;
}

/* gpg sets its core limit to 0, which the kernel ignores when core_pattern is a pipe: report success, and keep
 * the limit of 1. */
static int keep_core_limit(scmp_filter_ctx c)
{
    return RULE(c, SCMP_ACT_ERRNO(0), setrlimit, IS(0, RLIMIT_CORE)) ||
           RULE(c, SCMP_ACT_ERRNO(0), prlimit64, IS(1, RLIMIT_CORE), DIFFERS(2, 0)) ||
           RULE(c, NO, prctl, IS(0, PR_SET_DUMPABLE), DIFFERS(1, 0));
}

/* No memory may be writable and executable. */
static int forbid_new_code(scmp_filter_ctx c)
{
    return RULE(c, NO, mmap, HAS(2, PROT_WRITE | PROT_EXEC)) ||
           RULE(c, NO, mmap2, HAS(2, PROT_WRITE | PROT_EXEC)) ||
           RULE(c, NO, mprotect, HAS(2, PROT_EXEC)) || RULE(c, NO, pkey_mprotect, HAS(2, PROT_EXEC));
}

static int forbid_namespaces(scmp_filter_ctx c)
{
    static const scmp_datum_t spaces[] = {CLONE_NEWNS,   CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
                                          CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP};
    int rc = 0;
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces && !rc; i++)
        rc = RULE(c, NO, clone, HAS(0, spaces[i]));
    return rc;
}

/* Mail goes over IP or local sockets; getaddrinfo works without netlink. postmap reads the machine's addresses by
 * it. */
static int forbid_families(scmp_filter_ctx c, enum sandbox_kind kind)
{
    if (!SANDBOX_SEES_FAMILIES)
        return 0;
    int rc = RULE(c, NO, socket, COMPARE(0, SCMP_CMP_GT, FAMILIES, 0));
    for (int family = 0; family <= FAMILIES && !rc; family++)
        if (family == AF_NETLINK && kind == SANDBOX_TABLES)
            rc = RULE(c, NO, socket, EQUALS(0, AF_NETLINK), DIFFERS(2, NETLINK_ROUTE));
        else if (family != AF_UNIX && ((family != AF_INET && family != AF_INET6) || kind == SANDBOX_IMPORTER))
            rc = RULE(c, NO, socket, EQUALS(0, (scmp_datum_t)family));
    return rc;
}

/* Landlock before version 3 does not stop open(O_RDONLY | O_TRUNC) from emptying a file. */
static int forbid_odd_opens(scmp_filter_ctx c)
{
    const scmp_datum_t mask = O_ACCMODE | O_TRUNC;
    return RULE(c, NO, open, COMPARE(1, SCMP_CMP_MASKED_EQ, mask, O_TRUNC)) ||
           RULE(c, NO, openat, COMPARE(2, SCMP_CMP_MASKED_EQ, mask, O_TRUNC));
}

/* A lock on what the keeper or filterctl locks would keep them waiting. postmap locks the table that it reads, against
 * writers alone. */
static int forbid_locks(scmp_filter_ctx c, enum sandbox_kind kind)
{
    return kind == SANDBOX_TABLES ? RULE(c, NO, flock, HAS(1, LOCK_EX)) : seccomp_rule_add(c, NO, SCMP_SYS(flock), 0);
}

static int forbid_odd_forms(scmp_filter_ctx c)
{
    return RULE(c, NO, ioctl, IS(1, TIOCSTI)) || RULE(c, NO, ioctl, IS(1, TIOCLINUX)) ||
           RULE(c, NO, prlimit64, DIFFERS(0, 0), DIFFERS(2, 0));
}

static int forbid_new_calls(scmp_filter_ctx c)
{
    int rc = 0;
    for (int call = NEW_CALLS_FROM; call <= NEW_CALLS_TO && !rc; call++)
        rc = seccomp_rule_add(c, NO_SUCH_CALL, call, 0);
    return rc;
}

static int forbid(scmp_filter_ctx c, enum sandbox_kind kind)
{
    static const char *const none[] = {END};
    return each(c, SCMP_ACT_KILL_PROCESS, deadly) ||
           each_but(c, NO, forbidden, kind == SANDBOX_IMPORTER ? for_importer : none) || each(c, NO_SUCH_CALL, unknown) || keep_core_limit(c) || forbid_new_code(c) ||
           forbid_namespaces(c) || forbid_families(c, kind) || forbid_odd_opens(c) || forbid_odd_forms(c) ||
           forbid_locks(c, kind) || forbid_signals(c) || forbid_new_calls(c);
}

static const char *const *own_list(enum sandbox_kind kind)
{
    switch (kind) {
    case SANDBOX_KEEPER:
        return for_keeper;
    case SANDBOX_DELIVERY_AGENT:
        return for_delivery_agent;
    case SANDBOX_SPF:
        return for_spf;
    default:
        return for_front;
    }
}

/* The keeper and the delivery agent need no new sockets: theirs are open already. */
static int allow_sockets(scmp_filter_ctx c, enum sandbox_kind kind)
{
    if (!SANDBOX_SEES_FAMILIES && (kind == SANDBOX_SPF || kind == SANDBOX_MILTER))
        return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 0);
    if (kind == SANDBOX_SPF)
        return RULE(c, SCMP_ACT_ALLOW, socket, EQUALS(0, AF_INET)) ||
               RULE(c, SCMP_ACT_ALLOW, socket, EQUALS(0, AF_INET6));
    if (kind == SANDBOX_MILTER)
        return RULE(c, SCMP_ACT_ALLOW, socket, EQUALS(0, AF_UNIX)) ||
               RULE(c, NO, socket, DIFFERS(0, AF_UNIX));
    return seccomp_rule_add(c, NO, SCMP_SYS(socket), 0) ||
           seccomp_rule_add(c, NO, SCMP_SYS(connect), 0);
}

/* Only the milter processes may create threads. */
static int allow_threads(scmp_filter_ctx c, enum sandbox_kind kind)
{
    if (kind != SANDBOX_MILTER)
        return seccomp_rule_add(c, NO, SCMP_SYS(clone), 0);
    return RULE(c, SCMP_ACT_ALLOW, clone, HAS(0, CLONE_THREAD)) ||
           RULE(c, NO, clone, LACKS(0, CLONE_THREAD));
}

/* A signal to this process itself, which abort() and raise() send by tgkill. */
static int allow_signals(scmp_filter_ctx c)
{
    return RULE(c, SCMP_ACT_ALLOW, tgkill, EQUALS(0, (scmp_datum_t)getpid())) ||
           RULE(c, NO, tgkill, DIFFERS(0, (scmp_datum_t)getpid()));
}

static int allow_fcntl(scmp_filter_ctx c, enum sandbox_kind kind)
{
    const size_t locks = kind == SANDBOX_KEEPER ? sizeof fcntl_for_keeper / sizeof *fcntl_for_keeper : 0;
    return each_fcntl(c, SCMP_ACT_ALLOW, fcntl_uses, sizeof fcntl_uses / sizeof *fcntl_uses) ||
           each_fcntl(c, SCMP_ACT_ALLOW, fcntl_for_keeper, locks);
}

/* Allows the harmless uses of calls that can do many things. */
static int allow_parts(scmp_filter_ctx c)
{
    return RULE(c, SCMP_ACT_ALLOW, mmap, LACKS(2, PROT_EXEC)) ||
           RULE(c, SCMP_ACT_ALLOW, mmap2, LACKS(2, PROT_EXEC)) ||
           RULE(c, SCMP_ACT_ALLOW, mprotect, LACKS(2, PROT_EXEC)) ||
           RULE(c, SCMP_ACT_ALLOW, prlimit64, EQUALS(2, 0)) ||
           RULE(c, SCMP_ACT_ALLOW, prlimit64, EQUALS(0, 0), IS(1, RLIMIT_CPU)) ||
           RULE(c, SCMP_ACT_ALLOW, setrlimit, IS(0, RLIMIT_CPU)) ||
           RULE(c, SCMP_ACT_ALLOW, prctl, IS(0, PR_SET_NAME)) ||
           RULE(c, SCMP_ACT_ALLOW, prctl, IS(0, PR_GET_DUMPABLE)) ||
           RULE(c, SCMP_ACT_ALLOW, prctl, IS(0, PR_GET_NO_NEW_PRIVS)) ||
           RULE(c, SCMP_ACT_ALLOW, prctl, IS(0, PR_GET_SECCOMP)) ||
           RULE(c, SCMP_ACT_ALLOW, ioctl, IS(1, FIONREAD)) ||
           RULE(c, SCMP_ACT_ALLOW, ioctl, IS(1, FIONBIO)) ||
           RULE(c, SCMP_ACT_ALLOW, ioctl, IS(1, TCGETS));
}

static int allow(scmp_filter_ctx c, enum sandbox_kind kind)
{
    return each(c, SCMP_ACT_KILL_PROCESS, deadly) || each(c, NO, refused) ||
           (kind != SANDBOX_KEEPER && each(c, NO, refused_but_to_keeper)) || each(c, SCMP_ACT_ALLOW, for_all) || each(c, SCMP_ACT_ALLOW, own_list(kind)) ||
           allow_parts(c) || allow_signals(c) || allow_fcntl(c, kind) || allow_sockets(c, kind) || allow_threads(c, kind);
}

static bool runs_programs(enum sandbox_kind kind)
{
    return kind == SANDBOX_WORKER || kind == SANDBOX_TABLES || kind == SANDBOX_IMPORTER;
}

static int fill(scmp_filter_ctx c, enum sandbox_kind kind)
{
    if (kind == SANDBOX_MASTER)
        return each(c, SCMP_ACT_KILL_PROCESS, deadly) || each(c, NO, for_no_master) || forbid_odd_opens(c);
    return runs_programs(kind) ? forbid(c, kind) : allow(c, kind);
}

const char *sandbox_parts_calls(enum sandbox_kind kind)
{
    const bool by_default = kind == SANDBOX_MASTER || runs_programs(kind);
    scmp_filter_ctx c = seccomp_init(by_default ? SCMP_ACT_ALLOW : NO_SUCH_CALL);
    if (!c)
        return "seccomp: no memory";
    /* Calls by the numbers of another architecture (x32, i386) would bypass the list. */
    int rc = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!rc)
        rc = seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    const bool filled = !rc && !fill(c, kind);
    rc = filled ? seccomp_load(c) : 0;
    seccomp_release(c);
    if (!filled)
        return "seccomp refused the list of system calls";
    return rc ? "the kernel has no seccomp filters" : NULL;
}
