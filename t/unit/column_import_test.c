/* What the importer makes of a text where something is away, and how often it tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/frame.h"
#include "base/frame_stream.h"
#include "base/log.h"
#include "filterd/importer/column_import.h"
#include "filterd/keeper/keeper.h"
#include "filterd/sockets.h"
#include "t/unit/gnupg_people.h"

#define A "alice@example.org"
#define B "bob@example.org"

static struct settings settings;
static char *log_file;
static struct column_import *c;
static int line[2];

static int make_people(void **state)
{
    if (people_open(state))
        return -1;
    people_curve("Alice <" A ">", "never");
    people_curve("Bob <" B ">", "never");
    settings = (struct settings){.state_dir = people_state(), .recipient_delimiter = (char *)"+",
                                 .key_maps = (char *)"static:x", .user = (char *)"root"};
    settings.control.path = g_strdup_printf("%s/c", people_dir);
    log_file = g_strdup_printf("%s/log", people_dir);
    return 0;
}

static int start(void **state)
{
    (void)state;
    unlink(log_file);
    log_to_fd(open(log_file, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line))
        return -1;
    c = column_import_new(&settings, line[0]);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    column_import_free(&c);
    close(line[0]);
    close(line[1]);
    people_shell("rm -rf '%s/state/keys'", people_dir);
    return 0;
}

static int logged(const char *words)
{
    struct bytes text = {0};
    int n = 0;
    people_read(log_file, &text);
    bytes_add(&text, "", 1);
    for (const char *p = (const char *)text.data; (p = strstr(p, words)); p++)
        n++;
    bytes_free(&text);
    return n;
}

static enum key_import give(const char *user, const char *text)
{
    return column_import_text(c, user, text, strlen(text));
}

static enum key_import give_key_of(const char *user, const char *whose)
{
    struct bytes text = {0};
    g_autofree char *arguments = g_strdup_printf("--armor --export %s", whose);
    people_output(arguments, &text);
    const enum key_import result = column_import_text(c, user, (const char *)text.data, text.len);
    bytes_free(&text);
    return result;
}

/* What cannot be imported now is not tried for each message: gpg would run for it each time. */
static void keeper_away(void **state)
{
    (void)state;
    assert_int_equal(give_key_of(A, A), KEY_IMPORT_TEMP);
    assert_int_equal(give_key_of(A, A), KEY_IMPORT_TEMP);
    assert_int_equal(logged("user=<" A "> [users] key: not imported now: the keeper does not answer; tried again after"), 1);
}

/* The tables' process does not say whose the address is that the key names: that is no wrong key. */
static void tables_away(void **state)
{
    (void)state;
    assert_int_equal(give_key_of(A, B), KEY_IMPORT_TEMP);
    assert_int_equal(logged("refused"), 0);
    assert_int_equal(logged("user=<" A "> [users] key: not imported now: whose an address is that the key names cannot be known"), 1);
}

static void refused(void **state)
{
    (void)state;
    assert_int_equal(give(A, "no key"), KEY_IMPORT_REFUSED);
    assert_int_equal(give(A, "no key"), KEY_IMPORT_REFUSED);
    assert_int_equal(give(B, "no key"), KEY_IMPORT_REFUSED);
    assert_int_equal(logged("user=<" A "> [users] key: refused: no key in the column"), 1);
    assert_int_equal(give(A, "none either"), KEY_IMPORT_REFUSED);
    assert_int_equal(logged("user=<" A "> [users] key: refused: no key in the column"), 2);
    assert_int_equal(give(A, ""), KEY_IMPORT_TEMP);
}

/* Takes what is asked of a keeper for done, after a while. */
static void play_keeper(int door, unsigned seconds)
{
    struct pollfd called = {door, POLLIN, 0};
    for (int fd; poll(&called, 1, -1) == 1 && (fd = accept(door, NULL, NULL)) >= 0; close(fd)) {
        struct frame_stream *s = frame_stream_new(fd);
        struct pollfd p = {fd, POLLIN, 0};
        int passed = -1;
        enum frame_stream_end end = FRAME_STREAM_MORE;
        while (end == FRAME_STREAM_MORE && poll(&p, 1, -1) == 1) {
            end = frame_stream_read(s, 65536, &passed);
            if (passed >= 0)
                close(passed);
        }
        sleep(seconds);
        GVariant *none = g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0);
        if (end == FRAME_STREAM_WHOLE && !frame_stream_send(s, g_variant_new("(is@a{sv})", EX_OK, "", none)))
            _exit(1);
        frame_stream_free(&s);
    }
    _exit(0);
}

static pid_t start_keeper(unsigned seconds)
{
    struct endpoint workers = keeper_workers_at(&settings.control);
    g_autofree char *error = NULL;
    const int door = sockets_listen(&workers, &settings.control_rights, NULL, &error);
    assert_true(door >= 0);
    const pid_t keeper = fork();
    if (keeper == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        play_keeper(door, seconds);
    }
    close(door);
    g_free(workers.path);
    return keeper;
}

static void end_keeper(pid_t keeper)
{
    assert_int_equal(kill(keeper, SIGKILL), 0);
    assert_int_equal(waitpid(keeper, NULL, 0), keeper);
}

static void imported(void **state)
{
    const pid_t keeper = start_keeper(0);
    (void)state;
    assert_int_equal(give_key_of(A, A), KEY_IMPORT_DONE);
    assert_int_equal(give_key_of(A, A), KEY_IMPORT_DONE);
    assert_int_equal(logged(" imported"), 1);
    assert_int_equal(give(A, "no key"), KEY_IMPORT_REFUSED);
    assert_int_equal(give_key_of(A, A), KEY_IMPORT_DONE);
    end_keeper(keeper);
}

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 200; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* The keeper is the only child that waits to be waited for. */
static int children(void)
{
    g_autofree char *file = g_strdup_printf("/proc/self/task/%d/children", (int)getpid()), *text = NULL;
    int n = 0;
    assert_true(g_file_get_contents(file, &text, NULL, NULL));
    g_auto(GStrv) pids = g_strsplit(g_strstrip(text), " ", -1);
    for (char **p = pids; *p; p++)
        n += **p != 0;
    return n;
}

/* A text that changes with every look-up: each import leaves nothing behind in the process. */
static void many(void **state)
{
    const pid_t keeper = start_keeper(0);
    struct bytes text = {0};
    const char *times = g_getenv("IMPORTS");
    (void)state;
    people_output("--armor --export " A, &text);
    int before = 0;
    for (int i = 0; i < (times ? atoi(times) : 4); i++) {
        bytes_adds(&text, "\n");
        assert_int_equal(column_import_text(c, A, (const char *)text.data, text.len), KEY_IMPORT_DONE);
        before = i ? before : open_descriptors();
    }
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(children(), 1);
    bytes_free(&text);
    end_keeper(keeper);
}

/* Whose key takes long is not served again and again while others wait. */
static void slow(void **state)
{
    const pid_t keeper = start_keeper(4);
    (void)state;
    assert_int_equal(give_key_of(A, A), KEY_IMPORT_DONE);
    assert_int_equal(give_key_of(A, A), KEY_IMPORT_DONE);
    assert_int_equal(give(A, "no key"), KEY_IMPORT_TEMP);
    assert_int_equal(give(B, "no key"), KEY_IMPORT_REFUSED);
    assert_int_equal(logged("user=<" A ">"), 1);
    end_keeper(keeper);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(keeper_away), TEST(tables_away), TEST(refused), TEST(imported), TEST(slow), TEST(many)};
    return cmocka_run_group_tests(tests, make_people, people_close);
}
