/* Behind its sandbox no process can do what it must not do, and without it, it could. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_parts.h"
#include "base/sandbox/sandbox_probe.h"
#include "t/unit/sandbox_deeds.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define DEAD (-1)  /* ended by SIGSYS */
#define OTHER (-2) /* ended in another way */

static int longer_fd; /* of a file, open for writing */

/* ---- deeds: 0, or errno ---- */

static int write_file(void)
{
    return result(open(in(outside, "old"), O_WRONLY));
}

static int read_file(void)
{
    return result(open(in(outside, "old"), O_RDONLY));
}

static int list_folder(void)
{
    return result(open(outside, O_RDONLY | O_DIRECTORY));
}

static int create(void)
{
    return result(open(in(outside, "fresh"), O_WRONLY | O_CREAT, 0600));
}

static int create_unnamed(void)
{
    return result(open(outside, O_WRONLY | O_TMPFILE, 0600));
}

static int empty(void)
{
    return result(truncate(in(outside, "old"), 0));
}

/* O_TRUNC on a file opened read-only, which kernels allow. */
static int empty_in_reading(void)
{
    return result(open(in(outside, "old"), O_RDONLY | O_TRUNC));
}

static int move(void)
{
    return result(rename(in(outside, "old"), in(outside, "new")));
}

static int make_link(void)
{
    return result(link(in(outside, "old"), in(outside, "second")));
}

static int make_symlink(void)
{
    return result(symlink("/", in(outside, "symbolic")));
}

static int remove_file(void)
{
    return result(unlink(in(outside, "old")));
}

static int make_folder(void)
{
    return result(mkdir(in(outside, "folder"), 0700));
}

static int remove_folder(void)
{
    return result(rmdir(in(outside, "dir")));
}

static int make_fifo(void)
{
    return result(mknod(in(outside, "fifo"), S_IFIFO | 0600, 0));
}

static int change_mode(void)
{
    return result(chmod(in(outside, "old"), 0640));
}

static int change_owner(void)
{
    return result(chown(in(outside, "old"), geteuid(), getegid()));
}

static int change_times(void)
{
    return result(utimensat(AT_FDCWD, in(outside, "old"), NULL, 0));
}

static int lengthen(void)
{
    return result(write(longer_fd, "x", 1));
}

static int file_in_memory(void)
{
    return result(memfd_create("x", 0));
}

static int run_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int make_process(void)
{
    const pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return result(pid);
}

static int internet_socket(void)
{
    return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int netlink_socket(void)
{
    return result(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int local_socket(void)
{
    return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

/* An argument with bits in its high half, which the kernel ignores. */
static int disguised_socket(void)
{
    return result(syscall(SYS_socket, 0x100000000L | AF_PACKET, SOCK_RAW, 0));
}

static int writable_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

static int make_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int be_dumpable(void)
{
    return result(prctl(PR_SET_DUMPABLE, 1));
}

static int signal_parent(void)
{
    return result(kill(getppid(), 0));
}

static int leave_shared(void)
{
    return result(unshare(CLONE_FILES));
}

static int ring(void)
{
    return result(syscall(SYS_io_uring_setup, 1, NULL));
}

static int trace(void)
{
    return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int read_parent(void)
{
    return result(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

static int mount_something(void)
{
    return result(syscall(SYS_umount2, "/nonexistent", 0));
}

static int load_bpf(void)
{
    return result(syscall(SYS_bpf, 0, NULL, 0));
}

#if defined(__x86_64__)
static int call_by_x32(void)
{
    return result(syscall(0x40000000 | SYS_getpid));
}

static int call_by_i386(void)
{
    long rc;
    __asm__ volatile("int $0x80" : "=a"(rc) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return rc < 0 ? (int)-rc : 0;
}
#endif

/* What becomes of the deeds: 0 is success. A signal of the master's: since Linux 6.12 to its children alone. */
static const struct deed {
    const char *name;
    int (*fn)(void);
    int master, worker, keeper, delivery_agent, spf, front;
} deeds[] = {
    {"write to a file", write_file, EACCES, EACCES, EACCES, EACCES, EACCES, EACCES},
    {"read a file", read_file, 0, 0, EACCES, EACCES, EACCES, EACCES},
    {"list a folder", list_folder, 0, 0, EACCES, EACCES, EACCES, EACCES},
    {"create", create, EACCES, EACCES, EACCES, EACCES, EACCES, EACCES},
    {"create without a name", create_unnamed, EACCES, EACCES, EACCES, EACCES, EACCES, EACCES},
    {"truncate", empty, EPERM, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"truncate in reading", empty_in_reading, EPERM, EPERM, EACCES, EACCES, EACCES, EACCES},
    {"rename", move, EACCES, EPERM, EACCES, EACCES, ENOSYS, ENOSYS},
    {"link", make_link, EACCES, EPERM, EACCES, ENOSYS, ENOSYS, ENOSYS},
    {"symlink", make_symlink, EACCES, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"unlink", remove_file, EACCES, EPERM, EACCES, EACCES, ENOSYS, ENOSYS},
    {"mkdir", make_folder, EACCES, EPERM, EACCES, EACCES, ENOSYS, ENOSYS},
    {"rmdir", remove_folder, EACCES, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"mknod", make_fifo, EACCES, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"chmod", change_mode, 0, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"chown", change_owner, 0, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"utimens", change_times, 0, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"write to an open file", lengthen, 0, EFBIG, 0, 0, EFBIG, EFBIG},
    {"memfd", file_in_memory, 0, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"exec", run_program, 0, 0, EPERM, EPERM, EPERM, EPERM},
    {"fork", make_process, 0, 0, EPERM, EPERM, EPERM, EPERM},
    {"inet socket", internet_socket, 0, 0, EPERM, EPERM, 0, EPERM},
    {"netlink socket", netlink_socket, 0, EPERM, EPERM, EPERM, ENOSYS, EPERM},
    {"unix socket", local_socket, 0, 0, EPERM, EPERM, ENOSYS, 0},
    {"mmap write and exec", writable_code, 0, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"mprotect exec", make_code, 0, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"dumpable", be_dumpable, 0, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"signal to another", signal_parent, OTHER, EPERM, EPERM, EPERM, EPERM, EPERM},
    {"unshare", leave_shared, EPERM, EPERM, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"ptrace", trace, DEAD, DEAD, DEAD, DEAD, DEAD, DEAD},
    {"process_vm_readv", read_parent, DEAD, DEAD, DEAD, DEAD, DEAD, DEAD},
};

/* As above, but without a sandbox the kernel may refuse in its own way. */
static const struct deed odd_deeds[] = {
    {"family with a high half", disguised_socket, OTHER, EPERM, EPERM, EPERM, ENOSYS, EPERM},
    {"io_uring", ring, OTHER, ENOSYS, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {"umount", mount_something, DEAD, DEAD, DEAD, DEAD, DEAD, DEAD},
    {"bpf", load_bpf, DEAD, DEAD, DEAD, DEAD, DEAD, DEAD},
#if defined(__x86_64__)
    {"x32", call_by_x32, DEAD, DEAD, DEAD, DEAD, DEAD, DEAD},
    {"i386", call_by_i386, DEAD, DEAD, DEAD, DEAD, DEAD, DEAD},
#endif
};

/* What it does in the folder of keys, and Landlock keeps it from elsewhere; modes and times are anybody's to set. */
static bool may_importer(const struct deed *d)
{
    int (*const fns[])(void) = {move, make_symlink, remove_file, make_folder, remove_folder, change_mode, change_times};
    bool may = false;
    for (size_t i = 0; i < sizeof fns / sizeof *fns; i++)
        may |= d->fn == fns[i];
    return may;
}

static int expected_of(const struct deed *d, enum sandbox_kind kind)
{
    /* It may run postmap alone, which reads the machine's addresses. */
    const int tables = d->fn == run_program ? EACCES : d->fn == netlink_socket ? 0 : d->worker;
    /* It makes the folder of keys, and nothing outside. */
    const int importer = d->fn == internet_socket ? EPERM : d->fn == lengthen ? 0 : may_importer(d) ? d->master : d->worker;
    const int all[] = {d->master, d->worker, d->keeper, d->delivery_agent, d->spf, d->front, tables, importer};
    return all[kind];
}

/* Restores what a deed has changed. */
static void tidy(void)
{
    static const char *const files[] = {"fresh", "new", "second", "symbolic", "fifo"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(in(outside, files[i]));
    rmdir(in(outside, "folder"));
    mkdir(in(outside, "dir"), 0700);
    const int fd = open(in(outside, "old"), O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static int wait_for(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? DEAD : OTHER;
    return WEXITSTATUS(status);
}

/* Without that part the rest of the sandbox must still hold. */
static bool has_landlock(void)
{
    return sandbox_parts_landlock_abi() > 0;
}

static int left_out;

static void say_what_is_left_out(void)
{
    if (left_out)
        print_message("no Landlock in this kernel: %d times it was left out that a deed is refused\n",
                      left_out);
    left_out = 0;
}

/* kind SANDBOX_KINDS: without one. */
static int does(int (*fn)(void), enum sandbox_kind kind)
{
    const char *why, *const folders[] = {inside, NULL};
    const struct sandbox s = {.kind = kind, .folders = folders, .keys = inside, .renames = true, .message_bytes = 1};
    tidy();
    const pid_t pid = fork();
    if (pid == 0) {
        if (kind < SANDBOX_KINDS && !sandbox_close(&s, &why) && has_landlock())
            _exit(255);
        _exit(fn());
    }
    return wait_for(pid);
}

static bool is_socket(const struct deed *d)
{
    return d->fn == internet_socket || d->fn == netlink_socket || d->fn == local_socket || d->fn == disguised_socket;
}

static void holds(const struct deed *d, enum sandbox_kind kind)
{
    int want = expected_of(d, kind);
    if (SANITIZED && d->fn == lengthen)
        want = 0; /* a sanitizer's report would be lost */
    if (SANITIZED && d->fn == trace)
        want = OTHER; /* it looks for leaks by ptrace */
    if (!SANDBOX_SEES_FAMILIES && is_socket(d) && kind != SANDBOX_KEEPER && kind != SANDBOX_DELIVERY_AGENT)
        want = OTHER;
    if (want == EACCES && !has_landlock()) {
        left_out++;
        return;
    }
    const int got = does(d->fn, kind);
    if (want != OTHER && got != want)
        fail_msg("%s, kind %d: %d (%s), expected %d", d->name, (int)kind, got,
                 got > 0 ? strerror(got) : "", want);
}

static void forbidden_deeds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        const int without = does(deeds[i].fn, SANDBOX_KINDS);
        if (without && deeds[i].fn != read_parent)
            fail_msg("%s fails without a sandbox: %s", deeds[i].name, strerror(without));
        for (enum sandbox_kind kind = 0; kind < SANDBOX_KINDS; kind++)
            holds(&deeds[i], kind);
    }
    say_what_is_left_out();
}

static void odd_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof odd_deeds / sizeof *odd_deeds; i++) {
        assert_int_not_equal(does(odd_deeds[i].fn, SANDBOX_KINDS), DEAD);
        for (enum sandbox_kind kind = 0; kind < SANDBOX_KINDS; kind++)
            holds(&odd_deeds[i], kind);
    }
    say_what_is_left_out();
}

/* ---- what must still go ---- */

static int open_null(void)
{
    return result(open("/dev/null", O_WRONLY));
}

static int find_localhost(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list;
    return getaddrinfo("localhost", "25", &hints, &list) ? 1 : 0;
}

static int run_postmap(void)
{
    execl("/usr/sbin/postmap", "postmap", "-q", "x", "static:found", (char *)NULL);
    return errno;
}

/* What gpg/generation.c does there. */
static int make_generation(void)
{
    g_autofree char *next = g_build_filename(inside, ".next", NULL);
    g_autofree char *current = g_build_filename(inside, "current", NULL);
    g_autofree char *gone = g_build_filename(inside, "gone", NULL);
    g_autofree char *whole = g_build_filename(inside, ".lock", NULL);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const int fd = mkdir(gone, 0700) ? -1 : open(gone, O_RDONLY | O_DIRECTORY);
    const int lock_fd = open(whole, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const bool ok = fd >= 0 && lock_fd >= 0 && fcntl(lock_fd, F_SETLKW, &lock) == 0 && unlink(whole) == 0 && fchmod(fd, 0750) == 0 && symlink("gen-1", next) == 0 &&
                    rename(next, current) == 0 && unlink(current) == 0 && rmdir(gone) == 0;
    return ok ? 0 : errno;
}

static void allowed_deeds(void **state)
{
    (void)state;
    assert_int_equal(does(keep, SANDBOX_KEEPER), 0);
    if (sandbox_parts_landlock_abi() >= 2)
        assert_int_equal(does(deliver, SANDBOX_DELIVERY_AGENT), 0);
    else
        print_message("no Landlock, or its first version: left out that a delivery agent delivers\n");
    assert_int_equal(does(open_null, SANDBOX_WORKER), 0);
    assert_int_equal(does(find_localhost, SANDBOX_WORKER), 0);
    assert_int_equal(does(find_localhost, SANDBOX_TABLES), 0);
    assert_int_equal(does(run_postmap, SANDBOX_TABLES), 0);
    assert_int_equal(does(make_generation, SANDBOX_IMPORTER), 0);
}

/* ---- limits ---- */

static int core_limit_of_child(void)
{
    execl("/bin/sh", "sh", "-c", "ulimit -c 0 && grep -q 'core file size *1 *1 ' /proc/self/limits",
          (char *)NULL);
    return 255;
}

static int much_memory(void)
{
    void *p = mmap(NULL, sizeof p > 4 ? (size_t)(1ULL << 33) : (size_t)1 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

static int much_time(void)
{
    volatile unsigned turns = 1;
    sandbox_cpu(1);
    while (turns)
        turns |= 1;
    return 0;
}

static void limits(void **state)
{
    (void)state;
    /* As gpg does it: with a piped core_pattern 0 would be no limit. */
    assert_int_equal(does(core_limit_of_child, SANDBOX_WORKER), 0);
    assert_int_not_equal(does(core_limit_of_child, SANDBOX_MASTER), 0);
    assert_int_equal(does(much_memory, SANDBOX_WORKER), SANITIZED ? 0 : ENOMEM);
    assert_int_equal(does(much_memory, SANDBOX_KEEPER), 0);
    assert_int_equal(does(much_time, SANDBOX_WORKER), OTHER);
}

/* ---- what is said of it ---- */

static void probe(void **state)
{
    (void)state;
    for (enum sandbox_kind kind = 0; kind < SANDBOX_KINDS; kind++) {
        bool whole;
        const char *const folders[] = {inside, NULL};
        char *text = sandbox_probe(&(struct sandbox){.kind = kind, .folders = folders, .message_bytes = 1}, &whole);
        const bool expected = has_landlock() &&
                              (SANDBOX_SEES_FAMILIES || (kind != SANDBOX_SPF && kind != SANDBOX_MILTER));
        if (whole != expected || !strstr(text, "MISSING") != expected)
            fail_msg("%s", text);
        free(text);
    }
    if (!has_landlock())
        print_message("no Landlock in this kernel: the probe says so\n");
}

static int probe_in_a_ruin(void)
{
    bool whole;
    const char *why;
    const struct sandbox none = {.kind = SANDBOX_WORKER, .message_bytes = 1};
    const struct rlimit no_files = {0, 0};
    /* Landlock wants descriptors for its rules. */
    if (setrlimit(RLIMIT_NOFILE, &no_files) || sandbox_close(&none, &why))
        return 1;
    char *text = sandbox_probe(&none, &whole);
    return !whole && strstr(text, "could not be tried") ? 0 : 2;
}

static void without_means(void **state)
{
    (void)state;
    assert_int_equal(does(probe_in_a_ruin, SANDBOX_KINDS), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(outside) || !mkdtemp(inside))
        return -1;
    longer_fd = open(in(outside, "longer"), O_WRONLY | O_CREAT, 0600);
    return longer_fd < 0;
}

static int tear_down(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s %s", outside, inside);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forbidden_deeds), cmocka_unit_test(odd_forms),
        cmocka_unit_test(allowed_deeds),   cmocka_unit_test(limits),
        cmocka_unit_test(probe),           cmocka_unit_test(without_means),
    };
    const struct CMUnitTest no_landlock[] = {cmocka_unit_test(without_means)};
    if (sandbox_parts_landlock_abi() < 1) {
        puts("left out: what each kind of process may do (no Landlock in this kernel)");
        return cmocka_run_group_tests(no_landlock, set_up, tear_down);
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
