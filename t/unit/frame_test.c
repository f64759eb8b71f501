/* Frames on the control socket: whole ones, broken ones, deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/frame.h"
#include "filterd/keeper/keeper.h"

#define LIMIT 1000
#define WAIT_MS 60000 /* only a bound */

static int ends[2];

/* The test's clock: only waiting moves it, so a busy machine makes nobody late. A byte comes every
 * drip_ms; 0: none comes. */
static bool own_clock;
static int waited_ms, drip_ms;

gint64 g_get_monotonic_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return own_clock ? waited_ms * 1000L : t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
    const struct timespec now = {0}, wait = {ms / 1000, ms % 1000 * 1000000L};
    if (!own_clock)
        return ppoll(fds, n, ms < 0 ? NULL : &wait, NULL);
    assert_true(ms >= 0);
    const bool drips = drip_ms && drip_ms <= ms;
    waited_ms += drips ? drip_ms : ms;
    if (drips)
        assert_int_equal(write(ends[0], "x", 1), 1);
    return ppoll(fds, n, &now, NULL);
}

static int open_pair(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static int close_pair(void **state)
{
    (void)state;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static GVariant *request(const char *verb)
{
    return g_variant_new(FRAME_REQUEST, verb, NULL);
}

static void there_and_back(void **state)
{
    (void)state;
    assert_true(frame_send(ends[0], request("ping"), WAIT_MS));
    GVariant *got = frame_recv(ends[1], FRAME_REQUEST, LIMIT, WAIT_MS);
    assert_non_null(got);
    const char *verb;
    g_variant_get(got, "(&sa{sv})", &verb, NULL);
    assert_string_equal(verb, "ping");
    g_variant_unref(got);
}

static void bytes_alone(void **state)
{
    (void)state;
    static const char all[] = "\0\xff\r\n.\r\n";
    for (size_t len = 0; len <= sizeof all; len += sizeof all) {
        assert_true(frame_send_bytes(ends[0], all, len, WAIT_MS));
        GBytes *got = frame_recv_bytes(ends[1], LIMIT, WAIT_MS);
        assert_non_null(got);
        assert_int_equal(g_bytes_get_size(got), len);
        assert_memory_equal(g_bytes_get_data(got, NULL), all, len);
        g_bytes_unref(got);
    }
    g_autofree char *long_text = g_strnfill(LIMIT + 1, 'x');
    assert_true(frame_send_bytes(ends[0], long_text, LIMIT + 1, WAIT_MS));
    assert_null(frame_recv_bytes(ends[1], LIMIT, WAIT_MS));
}

static void bytes_cut_short(void **state)
{
    (void)state;
    assert_int_equal(write(ends[0], "\0\0\0\x05" "abcd", 8), 8);
    shutdown(ends[0], SHUT_WR);
    assert_null(frame_recv_bytes(ends[1], LIMIT, WAIT_MS));
}

static void too_large(void **state)
{
    (void)state;
    g_autofree char *text = g_strnfill(LIMIT, 'x');
    assert_true(frame_send(ends[0], request(text), WAIT_MS));
    assert_null(frame_recv(ends[1], FRAME_REQUEST, LIMIT, WAIT_MS));
}

static void not_of_the_type(void **state)
{
    (void)state;
    assert_true(frame_send(ends[0], g_variant_new("(iii)", -1, -1, -1), WAIT_MS));
    assert_null(frame_recv(ends[1], FRAME_REQUEST, LIMIT, WAIT_MS));
    static const unsigned char noise[] = {0, 0, 0, 8, 1, 2, 3, 4, 0xff, 0xfe, 0xfd, 0xfc};
    assert_int_equal(write(ends[0], noise, sizeof noise), sizeof noise);
    assert_null(frame_recv(ends[1], FRAME_REQUEST, LIMIT, WAIT_MS));
}

static void cut_off(void **state)
{
    (void)state;
    static const unsigned char half[] = {0, 0, 0, 100, 'p', 'i'};
    assert_int_equal(write(ends[0], half, sizeof half), sizeof half);
    own_clock = true;
    assert_null(frame_recv(ends[1], FRAME_REQUEST, LIMIT, 100));
    assert_int_equal(waited_ms, 100);
    drip_ms = 60; /* each byte comes in time, all of them do not */
    assert_null(frame_recv(ends[1], FRAME_REQUEST, LIMIT, 100));
    assert_int_equal(waited_ms, 200);
    own_clock = false;
    shutdown(ends[0], SHUT_WR);
    assert_null(frame_recv(ends[1], FRAME_REQUEST, LIMIT, WAIT_MS));
}

/* Writing to a peer that reads nothing ends at the deadline; to one that is gone, without SIGPIPE. */
static void nobody_reads(void **state)
{
    (void)state;
    g_autofree char *text = g_strnfill(8 * 1024 * 1024, 'x');
    own_clock = true;
    waited_ms = drip_ms = 0;
    assert_false(frame_send(ends[0], request(text), 100));
    assert_int_equal(waited_ms, 100);
    own_clock = false;
    close(ends[1]);
    assert_false(frame_send(ends[0], request("ping"), 100));
    ends[1] = dup(ends[0]);
}

static void answer_with(int code)
{
    pid_t child = fork();
    if (child == 0) {
        GVariant *got = frame_recv(ends[1], FRAME_REQUEST, LIMIT, WAIT_MS);
        bool ok = got && frame_send(ends[1], g_variant_new(FRAME_ANSWER, code, "text", NULL), WAIT_MS);
        _exit(!ok);
    }
    char *text;
    int status;
    int expected = code == 1 ? EX_TEMPFAIL : code;
    assert_int_equal(keeper_call(ends[0], "ping", NULL, WAIT_MS, &text), expected);
    assert_string_equal(text, "text");
    g_free(text);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void keeper_answers(void **state)
{
    (void)state;
    answer_with(EX_OK);
    answer_with(EX_NOPERM);
    answer_with(1); /* not a code of sysexits.h */
}

static void keeper_silent(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(keeper_call(ends[0], "ping", NULL, 50, &text), EX_TEMPFAIL);
    assert_non_null(text);
    g_free(text);
    const struct endpoint nobody = {.path = (char *)"/nonexistent/control.sock"};
    assert_int_equal(keeper_connect(&nobody), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(there_and_back),
        T(bytes_alone),
        T(bytes_cut_short), T(too_large),      T(not_of_the_type), T(cut_off),
        T(nobody_reads),   T(keeper_answers), T(keeper_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
