/* The SPF processes: many questions at once, questions that are never answered, and what happens when a
 * process dies: of a question, by a signal, and at the same time as the other one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/config/settings.h"
#include "base/dns/dns_answer.h"
#include "rules/auth/spf_door.h"
#include "rules/auth/spf_helper.h"
#include "rules/auth/spf_packet.h"
#include "rules/auth/spf_process.h"
#include "rules/auth/spf_result.h"
#include "t/unit/spf_world.h"

enum {
    FOREVER_MS = 600000, /* the deadline of a question without answer: longer than any test */
    ASKERS = 32,
    SILENT = 8,
};

/* Shared by the test and all its processes. */
static struct shared {
    _Atomic unsigned asked[4]; /* names "held..." that process number N was asked for */
    _Atomic int never;         /* stays 0 */
} *shared;

static char folder[] = "/tmp/filterd-spf-XXXXXX";
static struct settings settings = {.dns_timeout_ms = FOREVER_MS};

/* ---- the master ---- */

static int door[2];
static int number; /* of this process, or of the next one */
static struct {
    pid_t pid;
    int life;
} processes[4];

/* True for names that nobody answers, or only the process with that number and later ones. */
static bool is_silent(const char *name)
{
    return g_str_has_prefix(name, "never") || (g_str_has_prefix(name, "held1.") && number < 1) ||
           (g_str_has_prefix(name, "held2.") && number < 2);
}

static unsigned open_descriptors(void)
{
    unsigned n = 0; /* the sandbox hides /proc */
    for (int fd = 0; fd < 1000; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* What a name does to the SPF process that asks for it. */
static void mishap(const char *name)
{
    char path[64];
    if (g_str_has_prefix(name, "held"))
        atomic_fetch_add(&shared->asked[number], 1);
    if (!strcmp(name, "crash.example"))
        abort();
    if (!strcmp(name, "fault.example"))
        raise(SIGSEGV);
    if (!strcmp(name, "exit.example"))
        exit(0);
    if (!strcmp(name, "spin.example"))
        while (!shared->never)
            continue;
    /* 0, 1, 2, the door, our life, the log to nowhere, the resolver's wait, its wish, and a line. */
    if (!strcmp(name, "leak.example") && open_descriptors() > 9)
        abort();
    snprintf(path, sizeof path, "%s/x", folder);
    if (!strcmp(name, "write.example") &&
        (open(path, O_CREAT | O_WRONLY, 0600) >= 0 || open("/etc/passwd", O_RDONLY) >= 0))
        abort();
    if (!strcmp(name, "exec.example")) {
        execl("/bin/true", "true", (char *)NULL);
        if (errno != EPERM || fork() >= 0)
            abort();
    }
}

static const struct world_record zone[] = {
    {"crash.example", DNS_TXT, "v=spf1 +all", 0}, {"spin.example", DNS_TXT, "v=spf1 +all", 0},
    {"leak.example", DNS_TXT, "v=spf1 +all", 0},  {"fault.example", DNS_TXT, "v=spf1 +all", 0},
    {"write.example", DNS_TXT, "v=spf1 +all", 0}, {"good.example", DNS_TXT, "v=spf1 +all", 0},
    {"bad.example", DNS_TXT, "v=spf1 -all", 0},   {"exec.example", DNS_TXT, "v=spf1 +all", 0},
    {"exit.example", DNS_TXT, "v=spf1 +all", 0},  {"held1.example", DNS_TXT, "v=spf1 ~all", 0},
    {"held2.example", DNS_TXT, "v=spf1 -all", 0},
    {"long.example", DNS_TXT, "v=spf1 a:n1.example a:n2.example a:n3.example mx:n4.example -all", 0},
    {"n1.example", DNS_A, "192.0.2.7", 0},        {"n2.example", DNS_A, "192.0.2.7", 0},
    {"n3.example", DNS_A, "192.0.2.7", 0},        {"n4.example", DNS_MX, "n5.example", 0},
    {"n5.example", DNS_A, "192.0.2.1", 0},        {"", DNS_A, NULL, 0},
};

/* Starts a process beside the one that still lives, whose life line it gets. */
static void start_process(void)
{
    int life[2], before = -1;
    for (int i = 0; i < number; i++)
        if (processes[i].pid)
            before = processes[i].life;
    assert_int_equal(pipe2(life, O_CLOEXEC), 0);
    const pid_t pid = fork();
    if (pid == 0)
        _exit(spf_process_run(&(struct spf_process_env){&settings, door[SPF_DOOR_INSIDE], before, life[1]}));
    close(life[1]);
    processes[number].life = life[0];
    processes[number++].pid = pid;
}

/* Waits for process i and returns its wait status; sends it sig first, if not 0. */
static int end_process(int i, int sig)
{
    int status;
    if (sig)
        kill(processes[i].pid, sig);
    assert_int_equal(waitpid(processes[i].pid, &status, 0), processes[i].pid);
    close(processes[i].life);
    processes[i].pid = 0;
    return status;
}

static int set_up_world(void **state)
{
    (void)state;
    number = 0;
    memset(shared, 0, sizeof *shared);
    world = zone;
    world_hook = mishap;
    world_is_silent = is_silent;
    world_order = WORLD_OLDEST;
    return 0;
}

static int set_up(void **state)
{
    set_up_world(state);
    assert_true(spf_door_make(door));
    start_process();
    start_process();
    return 0;
}

/* An SPF process without clients ends by itself, with exit code 0. */
static int tear_down(void **state)
{
    (void)state;
    spf_door_close(door);
    for (int i = 0; i < number; i++)
        if (processes[i].pid && end_process(i, 0) != 0)
            return -1;
    return 0;
}

/* ---- askers ---- */

static struct spf_result wait_for(struct spf_helper *h)
{
    struct spf_result result;
    do {
        struct pollfd p = {.fd = spf_helper_fd(h), .events = POLLIN};
        assert_int_equal(poll(&p, 1, FOREVER_MS), 1);
    } while (!spf_helper_take(h, &result));
    return result;
}

static bool begin(struct spf_helper *h, const char *domain)
{
    g_autofree char *sender = g_strconcat("x@", domain, NULL);
    const struct spf_question q = {"192.0.2.1", "h.example", sender};
    return spf_helper_ask(h, &q);
}

static struct spf_result ask(struct spf_helper *h, const char *domain)
{
    assert_true(begin(h, domain));
    return wait_for(h);
}

/* A client in a process of its own, as a worker is: its exit code is the result. */
static pid_t start_asker(const char *domain)
{
    const pid_t pid = fork();
    if (pid)
        return pid;
    close(door[SPF_DOOR_INSIDE]);
    struct spf_helper *h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
    if (!begin(h, domain))
        _exit(100);
    _exit(wait_for(h).code);
}

static void start_askers(pid_t *pids, int n, const char *domain)
{
    for (int i = 0; i < n; i++)
        pids[i] = start_asker(domain);
}

static void all_hear(const pid_t *pids, int n, enum spf_code code)
{
    for (int i = 0; i < n; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), code);
    }
}

static void end_askers(const pid_t *pids, int n)
{
    for (int i = 0; i < n; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
}

/* Waits until process i has asked for so many names "held...". */
static void await_open(int i, unsigned n)
{
    while (atomic_load(&shared->asked[i]) < n)
        g_usleep(1000);
}

/* ---- the tests ---- */

static void alone(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    int leaks[20];
    for (size_t i = 0; i < G_N_ELEMENTS(leaks); i++)
        leaks[i] = open("/dev/null", O_RDWR);
    struct spf_helper *h = spf_helper_new_own(&settings);
    assert_non_null(h);
    assert_int_equal(ask(h, "good.example").code, SPF_CODE_PASS);
    assert_int_equal(ask(h, "bad.example").code, SPF_CODE_FAIL);
    assert_int_equal(ask(h, "long.example").code, SPF_CODE_PASS);
    assert_int_equal(ask(h, "leak.example").code, SPF_CODE_PASS);
    assert_int_equal(ask(h, "exec.example").code, SPF_CODE_PASS);
    const char *landlock = "/sys/kernel/security/lsm";
    g_autofree char *lsm = NULL;
    if (!g_file_get_contents(landlock, &lsm, NULL, NULL) || strstr(lsm, "landlock"))
        assert_int_equal(ask(h, "write.example").code, SPF_CODE_PASS);
    const struct spf_result r = ask(h, "crash.example");
    assert_int_equal(r.code, SPF_CODE_TEMPERROR);
    assert_string_equal(r.reason, "the check died (signal 6)");
    if (begin(h, "good.example")) /* it has no successor, but may not be quite gone */
        assert_int_equal(wait_for(h).code, SPF_CODE_TEMPERROR);
    assert_false(begin(h, "good.example"));
    spf_helper_free(&h);
    assert_null(h);
    for (size_t i = 0; i < G_N_ELEMENTS(leaks); i++)
        close(leaks[i]);
    rmdir(folder);
}

/* The answer to a question that was taken back is not taken for the next one's. */
static void taken_back(void **state)
{
    (void)state;
    static char x5000[5001];
    memset(x5000, 'x', sizeof x5000 - 1);
    struct spf_helper *h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
    for (int i = 0; i < 3; i++) {
        assert_true(begin(h, "long.example"));
        assert_int_equal(spf_helper_give_up(h).code, SPF_CODE_TEMPERROR);
        assert_int_equal(spf_helper_fd(h), -1);
        assert_int_equal(ask(h, "bad.example").code, SPF_CODE_FAIL);
    }
    const struct spf_question q = {"192.0.2.1", x5000, "x@good.example"};
    assert_false(spf_helper_ask(h, &q));
    assert_int_equal(ask(h, "good.example").code, SPF_CODE_PASS);
    spf_helper_free(&h);
}

/* An SPF process that answers an old question, or sends junk, before the answer. */
static void stale_answers(void **state)
{
    (void)state;
    char packet[SPF_PACKET_QUESTION_MAX];
    pid_t pid;
    bool closed;
    struct spf_question q;
    struct spf_packet_answer a = {.result = {.code = SPF_CODE_PASS}};
    struct spf_result result = {0};
    assert_true(spf_door_make(door));
    struct spf_helper *h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
    assert_true(begin(h, "first.example"));
    assert_true(begin(h, "second.example"));
    const int line = spf_door_accept(door[SPF_DOOR_INSIDE], &pid, &closed);
    assert_true(line >= 0 && pid == getpid());
    for (int i = 0; i < 2; i++) {
        const ssize_t len = recv(line, packet, sizeof packet, 0);
        assert_true(len > 0 && spf_packet_read(packet, (size_t)len, &a.number, &q));
        a.number -= i; /* both times the first one's */
        assert_int_equal(send(line, &a, sizeof a, 0), sizeof a);
    }
    assert_string_equal(q.sender, "x@second.example");
    assert_int_equal(send(line, "junk", 4, 0), 4);
    assert_false(spf_helper_take(h, &result));
    a.number++;
    a.result.code = SPF_CODE_FAIL;
    assert_int_equal(send(line, &a, sizeof a, 0), sizeof a);
    assert_true(spf_helper_take(h, &result));
    assert_int_equal(result.code, SPF_CODE_FAIL);
    spf_helper_free(&h);
    close(line);
    spf_door_close(door);
}

/* Questions about silent domains delay no others. */
static void many_at_once(void **state)
{
    (void)state;
    pid_t silent[SILENT], held[SILENT], pass[ASKERS], fail[ASKERS];
    start_askers(silent, SILENT, "never.example");
    start_askers(held, SILENT, "held1.example"); /* which show that the silent ones are open, too */
    await_open(0, SILENT);
    start_askers(pass, ASKERS, "long.example");
    start_askers(fail, ASKERS, "bad.example");
    all_hear(pass, ASKERS, SPF_CODE_PASS);
    all_hear(fail, ASKERS, SPF_CODE_FAIL);
    for (int i = 0; i < SILENT; i++) {
        assert_int_equal(waitpid(silent[i], NULL, WNOHANG), 0);
        assert_int_equal(waitpid(held[i], NULL, WNOHANG), 0);
    }
    end_askers(silent, SILENT);
    end_askers(held, SILENT);
}

/* A question ends at its own deadline, and its process goes on answering others. */
static void deadline(void **state)
{
    (void)state;
    settings.dns_timeout_ms = 100;
    set_up(NULL);
    struct spf_helper *h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
    const struct spf_result r = ask(h, "never.example");
    assert_int_equal(r.code, SPF_CODE_TEMPERROR);
    assert_string_equal(r.reason, "no answer about never.example");
    assert_int_equal(ask(h, "good.example").code, SPF_CODE_PASS);
    spf_helper_free(&h);
    assert_int_equal(tear_down(NULL), 0);
    settings.dns_timeout_ms = FOREVER_MS;
}

/* A question that kills the process is temperror; the other open questions are answered by the next
 * process. */
static void guilty(const char *domain, int signal)
{
    pid_t held[ASKERS];
    g_autofree char *reason = g_strdup_printf("the check died (signal %d)", signal);
    start_askers(held, ASKERS, "held1.example");
    await_open(0, ASKERS);
    struct spf_helper *h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
    const struct spf_result r = ask(h, domain);
    assert_int_equal(r.code, SPF_CODE_TEMPERROR);
    assert_string_equal(r.reason, reason);
    end_process(0, 0);
    all_hear(held, ASKERS, SPF_CODE_SOFTFAIL);
    start_process();
    assert_int_equal(ask(h, "good.example").code, SPF_CODE_PASS);
    assert_int_equal(ask(h, domain).code, SPF_CODE_TEMPERROR); /* the new one follows */
    end_process(1, 0);
    assert_int_equal(ask(h, "bad.example").code, SPF_CODE_FAIL);
    spf_helper_free(&h);
}

static void abort_is_guilty(void **state)
{
    (void)state;
    guilty("crash.example", SIGABRT);
}

static void fault_is_guilty(void **state)
{
    (void)state;
    guilty("fault.example", SIGSEGV);
}

static void exit_is_guilty(void **state)
{
    (void)state;
    guilty("exit.example", SIGABRT);
}

static void loop_is_guilty(void **state)
{
    (void)state;
    guilty("spin.example", SIGPROF);
}

/* Questions that were open at two deaths are temperror. */
static void open_at_two_deaths(void **state)
{
    (void)state;
    pid_t held[ASKERS];
    start_askers(held, ASKERS, "held2.example");
    await_open(0, ASKERS);
    end_process(0, SIGKILL);
    await_open(1, ASKERS);
    start_process();
    end_process(1, SIGKILL);
    all_hear(held, ASKERS, SPF_CODE_TEMPERROR);
    pid_t next = start_asker("held2.example");
    all_hear(&next, 1, SPF_CODE_FAIL);
}

/* Both processes are killed: clients wait for the next one. */
static void both_killed(void **state)
{
    (void)state;
    pid_t held[ASKERS], late[ASKERS];
    start_askers(held, ASKERS, "held2.example");
    await_open(0, ASKERS);
    end_process(1, SIGKILL);
    end_process(0, SIGKILL);
    start_askers(late, ASKERS, "bad.example");
    start_process();
    all_hear(held, ASKERS, SPF_CODE_FAIL);
    all_hear(late, ASKERS, SPF_CODE_FAIL);
}

/* ---- captured workers ---- */

static int connect_line(void)
{
    const int line = spf_door_connect(door[SPF_DOOR_OUTSIDE]);
    assert_true(line >= 0);
    return line;
}

static void expect_end(int line)
{
    char byte;
    assert_int_equal(recv(line, &byte, 1, 0), 0);
    close(line);
}

/* A worker has one line to the process, however many it opens; what is no question ends the line. */
static void one_line_each(void **state)
{
    (void)state;
    const int first = connect_line(), second = connect_line();
    expect_end(first);
    assert_int_equal(send(second, "junk", 4, 0), 4);
    expect_end(second);
    struct spf_helper *h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
    assert_int_equal(ask(h, "good.example").code, SPF_CODE_PASS);
    spf_helper_free(&h);
}

static void pass_through_door(int fd, size_t bytes)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec text = {.iov_base = (void *)"xy", .iov_len = bytes};
    struct msghdr m = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    const int both[2] = {fd, fd};
    memset(&control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof both);
    memcpy(CMSG_DATA(c), both, sizeof both);
    assert_int_equal(sendmsg(door[SPF_DOOR_OUTSIDE], &m, 0), (int)bytes);
}

/* Anything else that comes through the door is closed: the process keeps no descriptor of it. */
static void rubbish_through_door(void **state)
{
    (void)state;
    int stream[2];
    const int null = open("/dev/null", O_RDWR);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
    assert_int_equal(send(door[SPF_DOOR_OUTSIDE], "", 0, 0), 0);
    assert_int_equal(send(door[SPF_DOOR_OUTSIDE], "x", 1, 0), 1);
    pass_through_door(null, 1);
    pass_through_door(stream[1], 2);
    pass_through_door(null, 0);
    struct spf_helper *h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
    assert_int_equal(ask(h, "leak.example").code, SPF_CODE_PASS);
    close(stream[1]);
    expect_end(stream[0]);
    close(null);
    spf_helper_free(&h);
}

/* A worker that asks on and on and reads no answer gets its share only; others get theirs. */
static pid_t start_flooder(void)
{
    const pid_t pid = fork();
    if (pid)
        return pid;
    GString *text = g_string_new(NULL);
    const struct spf_question q = {"192.0.2.1", "h.example", "x@held2.example"};
    const int line = connect_line();
    for (guint32 n = 1;; n++) {
        spf_packet_write(text, n, &q);
        if (send(line, text->str, text->len, MSG_NOSIGNAL) < 0)
            _exit(0);
    }
}

static void flood(void **state)
{
    (void)state;
    pid_t flooders[SILENT], good[ASKERS];
    for (int i = 0; i < SILENT; i++)
        flooders[i] = start_flooder();
    await_open(0, SILENT);
    start_askers(good, ASKERS, "long.example");
    all_hear(good, ASKERS, SPF_CODE_PASS);
    end_askers(flooders, SILENT);
}

/* A worker that takes questions back faster than mail can come is refused, also on its next lines. */
static void hasty(void **state)
{
    (void)state;
    struct spf_helper *h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
    struct spf_result r;
    int tries = 0;
    do {
        for (int i = 0; i < 100; i++) {
            assert_true(begin(h, "never.example"));
            if (i % 30 == 29) {
                spf_helper_free(&h);
                h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
            }
        }
        r = ask(h, "good.example");
    } while (r.code == SPF_CODE_PASS && tries++ < 100); /* where a second ended in the middle */
    assert_int_equal(r.code, SPF_CODE_TEMPERROR);
    assert_string_equal(r.reason, "too many questions at once");
    spf_helper_free(&h);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(alone, set_up_world), cmocka_unit_test(deadline), cmocka_unit_test(stale_answers),
        WITH_PAIR(taken_back), WITH_PAIR(many_at_once), WITH_PAIR(abort_is_guilty),
        WITH_PAIR(fault_is_guilty), WITH_PAIR(exit_is_guilty), WITH_PAIR(loop_is_guilty),
        WITH_PAIR(open_at_two_deaths), WITH_PAIR(both_killed), WITH_PAIR(one_line_each),
        WITH_PAIR(rubbish_through_door), WITH_PAIR(flood), WITH_PAIR(hasty),
    };
    alarm(300); /* who hangs, fails */
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
