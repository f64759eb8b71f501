/* Behind its sandbox no process signals another, nor changes how it runs, in any of the ways there are; and without it,
 * it could. Landlock, which forbids signals since Linux 6.12, is not needed for that. Nor does it lock files so that
 * nobody could tell who does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_parts.h"

static int shared_pidfd, shared_socket, shared_fd; /* of this process; any */

/* ---- attempts: 0, or errno ---- */

static int result(long rc)
{
    return rc < 0 ? errno : 0;
}

static int signal_parent(void)
{
    return result(kill(getppid(), 0));
}

static int signal_group(void)
{
    signal(SIGCONT, SIG_IGN);
    return result(kill(0, SIGCONT));
}

static int signal_parents_thread(void)
{
    return result(syscall(SYS_tkill, getppid(), 0));
}

static int signal_parent_by_thread(void)
{
    return result(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int queue_signal(void)
{
    const siginfo_t info = {.si_code = SI_QUEUE};
    return result(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
}

static int queue_signal_by_thread(void)
{
    const siginfo_t info = {.si_code = SI_QUEUE};
    return result(syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), 0, &info));
}

static int hold_parent(void)
{
    return result(syscall(SYS_pidfd_open, getppid(), 0));
}

/* As with a descriptor got before, or of a child of one's own. */
static int signal_by_descriptor(void)
{
    return result(syscall(SYS_pidfd_send_signal, shared_pidfd, 0, NULL, 0));
}

/* What arrives on the descriptor would send its owner the signal of F_SETSIG. */
static int make_owner(void)
{
    return result(fcntl(shared_fd, F_SETOWN, getppid()));
}

static int make_owner_ex(void)
{
    const struct f_owner_ex parent = {F_OWNER_PID, getppid()};
    return result(fcntl(shared_fd, F_SETOWN_EX, &parent));
}

static int choose_signal(void)
{
    return result(fcntl(shared_fd, F_SETSIG, SIGKILL));
}

static int make_owner_of_socket(void)
{
    const int parent = getppid();
    return result(ioctl(shared_socket, FIOSETOWN, &parent));
}

static int slow_parent(void)
{
    return result(setpriority(PRIO_PROCESS, (id_t)getppid(), getpriority(PRIO_PROCESS, (id_t)getppid())));
}

static int move_parent(void)
{
    cpu_set_t where;
    if (sched_getaffinity(0, sizeof where, &where))
        return errno;
    return result(sched_setaffinity(getppid(), sizeof where, &where));
}

static int schedule_parent(void)
{
    const struct sched_param p = {0};
    return result(sched_setscheduler(getppid(), SCHED_OTHER, &p));
}

static int signal_itself(void)
{
    signal(SIGUSR1, SIG_IGN);
    return raise(SIGUSR1) ? errno : 0;
}

static const struct {
    const char *name;
    int (*fn)(void);
} attempts[] = {
    {"kill", signal_parent},
    {"signal to the group", signal_group},
    {"tkill", signal_parents_thread},
    {"tgkill", signal_parent_by_thread},
    {"sigqueue", queue_signal},
    {"tgsigqueue", queue_signal_by_thread},
    {"pidfd_open", hold_parent},
    {"pidfd_send_signal", signal_by_descriptor},
    {"F_SETOWN", make_owner},
    {"F_SETOWN_EX", make_owner_ex},
    {"F_SETSIG", choose_signal},
    {"FIOSETOWN", make_owner_of_socket},
    {"setpriority", slow_parent},
    {"sched_setaffinity", move_parent},
    {"sched_setscheduler", schedule_parent},
};

/* The list of system calls alone; kind SANDBOX_KINDS: without it. */
static int does(int (*fn)(void), enum sandbox_kind kind)
{
    int status;
    const pid_t pid = fork();
    if (pid == 0) {
        if (kind < SANDBOX_KINDS && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || sandbox_parts_calls(kind)))
            _exit(255);
        _exit(fn());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void nobody_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        if (does(attempts[i].fn, SANDBOX_KINDS))
            fail_msg("%s fails without a sandbox", attempts[i].name);
        for (enum sandbox_kind kind = SANDBOX_WORKER; kind < SANDBOX_KINDS; kind++) {
            const int got = does(attempts[i].fn, kind);
            if (attempts[i].fn == hold_parent && kind == SANDBOX_KEEPER && !got)
                continue; /* it looks so whether a worker lives; pidfd_send_signal it has not */
            if (got != EPERM && (got != ENOSYS || kind == SANDBOX_WORKER))
                fail_msg("%s, kind %d: %d (%s)", attempts[i].name, (int)kind, got, got > 0 ? strerror(got) : "");
        }
    }
}

/* ---- locks, and what hides a process ---- */

static int lock_whole(void)
{
    return result(flock(shared_fd, LOCK_SH | LOCK_NB));
}

static int lock_whole_alone(void)
{
    return result(flock(shared_fd, LOCK_EX | LOCK_NB));
}

static int lock_range(int how)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    return result(fcntl(shared_fd, how, &lock));
}

static int lock_for_process(void)
{
    return lock_range(F_SETLK);
}

static int lock_for_descriptor(void)
{
    return lock_range(F_OFD_SETLK);
}

static int wait_for_descriptor(void)
{
    return lock_range(F_OFD_SETLKW);
}

static int leave_session(void)
{
    return result(setsid());
}

static int leave_group(void)
{
    return result(setpgid(0, 0));
}

/* Only the keeper, which is alone with its folder, has flock, and postmap below the tables' process the one that keeps
 * nobody from reading; and of the others only a worker, which reads databases beside it, the tables' process, which reads
 * those of the operator, and the importer have a lock at all: one whose holder the kernel names. */
static void only_locks_with_a_holder(void **state)
{
    static const struct {
        const char *name;
        int (*fn)(void);
        unsigned kinds; /* that may */
    } all[] = {
        {"flock", lock_whole, 1U << SANDBOX_KEEPER | 1U << SANDBOX_TABLES},
        {"flock LOCK_EX", lock_whole_alone, 1U << SANDBOX_KEEPER},
        {"F_SETLK", lock_for_process, 1U << SANDBOX_KEEPER | 1U << SANDBOX_WORKER | 1U << SANDBOX_TABLES | 1U << SANDBOX_IMPORTER},
        {"F_OFD_SETLK", lock_for_descriptor, 0},
        {"F_OFD_SETLKW", wait_for_descriptor, 0},
        {"setsid", leave_session, 0},
        {"setpgid", leave_group, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_int_equal(does(all[i].fn, SANDBOX_KINDS), 0);
        for (enum sandbox_kind kind = SANDBOX_WORKER; kind < SANDBOX_KINDS; kind++) {
            const int got = does(all[i].fn, kind);
            if (all[i].kinds & 1U << kind ? got != 0 : got != EPERM && (got != ENOSYS || kind == SANDBOX_WORKER))
                fail_msg("%s, kind %d: %d (%s)", all[i].name, (int)kind, got, got > 0 ? strerror(got) : "");
        }
    }
}

/* abort() and raise() do. */
static void itself(void **state)
{
    (void)state;
    for (enum sandbox_kind kind = 0; kind <= SANDBOX_KINDS; kind++)
        assert_int_equal(does(signal_itself, kind), 0);
}

static int begin(void **state)
{
    (void)state;
    shared_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    shared_socket = socket(AF_UNIX, SOCK_STREAM, 0);
    shared_fd = memfd_create("a file that nobody else locks", MFD_CLOEXEC);
    return shared_pidfd < 0 || shared_socket < 0 || shared_fd < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_else), cmocka_unit_test(itself),
                                       cmocka_unit_test(only_locks_with_a_holder)};
    return cmocka_run_group_tests(tests, begin, NULL);
}
