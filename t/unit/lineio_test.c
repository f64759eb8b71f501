/* Lines and DATA from the wire: smuggling, incomplete messages, timeouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/lineio.h"
#include "base/newline.h"

struct wire {
    int fds[2];
    struct lineio *io;
};

static struct wire wire_with(const char *input, size_t len)
{
    struct wire w;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, w.fds), 0);
    assert_int_equal(write(w.fds[1], input, len), len);
    shutdown(w.fds[1], SHUT_WR);
    w.io = lineio_new(w.fds[0], w.fds[0]);
    return w;
}

static void wire_close(struct wire *w)
{
    lineio_free(&w->io);
    close(w->fds[0]);
    close(w->fds[1]);
}

static void check_line(const char *input, enum lineio_status want, const char *text)
{
    char line[16];
    struct wire w = wire_with(input, strlen(input));
    assert_int_equal(lineio_get(w.io, line, sizeof line), want);
    if (text)
        assert_string_equal(line, text);
    wire_close(&w);
}

static void lines(void **state)
{
    (void)state;
    check_line("NOOP\r\n", LINEIO_OK, "NOOP");
    check_line("\r\n", LINEIO_OK, "");
    check_line("NOOP\nQUIT\r\n", LINEIO_BARE, NULL);
    check_line("NO\rOP\r\n", LINEIO_BARE, NULL);
    check_line("0123456789abcdef\r\n", LINEIO_TOO_LONG, NULL);
    check_line("0123456789abcde\r\n", LINEIO_OK, "0123456789abcde");
    check_line("NOOP", LINEIO_ERROR, NULL);
    check_line("", LINEIO_EOF, NULL);
}

static void check_data(const char *input, enum lineio_status want, const char *text, bool bare)
{
    struct bytes out = {0};
    struct lineio_data facts;
    struct wire w = wire_with(input, strlen(input));
    assert_int_equal(lineio_get_data(w.io, &out, 1000, &facts), want);
    if (want == LINEIO_OK) {
        assert_string_equal(out.data ? (char *)out.data : "", text);
        assert_int_equal(facts.bare, bare);
        assert_false(facts.too_big);
    }
    bytes_free(&out);
    wire_close(&w);
}

static void data(void **state)
{
    (void)state;
    check_data(".\r\n", LINEIO_OK, "", false);
    check_data("a\r\n.\r\n", LINEIO_OK, "a\r\n", false);
    check_data("..\r\n..b\r\n.c\r\n.\r\n", LINEIO_OK, ".\r\n.b\r\nc\r\n", false);
    /* None of these ends DATA (SMTP smuggling). */
    check_data("a\n.\n", LINEIO_EOF, NULL, true);
    check_data("a\n.\r\nMAIL\r\n.\r\n", LINEIO_OK, "a\n.\r\nMAIL\r\n", true);
    check_data("a\r\n.\nb\r\n.\r\n", LINEIO_OK, "a\r\n\nb\r\n", true);
    check_data("a\r.\r\nb\r\n.\r\n", LINEIO_OK, "a\r.\r\nb\r\n", true);
    check_data("a\r\n.\rb\r\n.\r\n", LINEIO_OK, "a\r\n\rb\r\n", true);
    check_data("a\r\r\n.\r\n", LINEIO_OK, "a\r\r\n", true);
    /* The client vanished: nothing of it counts. */
    check_data("a\r\n.", LINEIO_EOF, NULL, false);
    check_data("a\r\n", LINEIO_EOF, NULL, false);
}

static void data_over_limit(void **state)
{
    struct bytes out = {0};
    struct lineio_data facts;
    char line[8];
    const char *input = "0123456789\r\n0123456789\r\n.\r\nQUIT\r\n";
    (void)state;
    struct wire w = wire_with(input, strlen(input));
    assert_int_equal(lineio_get_data(w.io, &out, 12, &facts), LINEIO_OK);
    assert_true(facts.too_big);
    assert_int_equal(out.len, 0);
    assert_int_equal(lineio_get(w.io, line, sizeof line), LINEIO_OK); /* still in step */
    assert_string_equal(line, "QUIT");
    bytes_free(&out);
    wire_close(&w);
}

static size_t held, room;

static bool hold(size_t bytes, void *arg)
{
    assert_ptr_equal(arg, &room);
    if (bytes > room)
        return false;
    held = bytes;
    return true;
}

/* Of 200,000 bytes. */
static void metered(size_t limit, size_t has, bool too_big, bool no_room, size_t holds)
{
    struct bytes out = {0};
    struct lineio_data facts;
    char line[8];
    GString *input = g_string_new(NULL);
    for (int i = 0; i < 20000; i++)
        g_string_append(input, "01234567\r\n");
    g_string_append(input, ".\r\nQUIT\r\n");
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    if (fork() == 0)
        _exit(write(fds[1], input->str, input->len) != (ssize_t)input->len);
    close(fds[1]);
    struct lineio *io = lineio_new(fds[0], fds[0]);
    held = 0;
    room = has;
    lineio_set_meter(io, hold, &room);
    assert_int_equal(lineio_get_data(io, &out, limit, &facts), LINEIO_OK);
    assert_int_equal(facts.too_big, too_big);
    assert_int_equal(facts.no_room, no_room);
    assert_int_equal(out.len, too_big || no_room ? 0 : 200000);
    assert_true(held == holds);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_OK);
    assert_string_equal(line, "QUIT");
    lineio_free(&io);
    bytes_free(&out);
    close(fds[0]);
    g_string_free(input, TRUE);
    assert_true(wait(NULL) > 0);
}

/* Room for bytes is asked for before they are stored, and given back when they are dropped. */
static void data_by_the_meter(void **state)
{
    (void)state;
    metered(1000000, 1000000, false, false, 4 * 65536);
    metered(200000, 200000, false, false, 200000);
    metered(1000000, 100000, false, true, 0);
    metered(150000, 1000000, true, false, 0);
    metered(150000, 100000, true, true, 0);
}

/* Something that was written lies there yet. */
static bool is_unread(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

static void data_in_small_pieces(void **state)
{
    const char *input = "a\r\n..b\r\n.\r\n";
    struct bytes out = {0};
    struct lineio_data facts;
    int fds[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    if (fork() == 0) {
        for (const char *p = input; *p; p++) {
            if (write(fds[1], p, 1) != 1)
                _exit(1);
            while (is_unread(fds[1]))
                usleep(1000);
        }
        _exit(0);
    }
    struct lineio *io = lineio_new(fds[0], fds[0]);
    assert_int_equal(lineio_get_data(io, &out, 1000, &facts), LINEIO_OK);
    assert_string_equal((char *)out.data, "a\r\n.b\r\n");
    lineio_free(&io);
    bytes_free(&out);
    close(fds[0]);
    close(fds[1]);
}

/* Reads what a child sends: bytes of text, then after a pause in ms the same again, and so on until it cannot;
 * with an end after the first pause. */
static enum lineio_status slow_data(int ms, int rate, size_t bytes, int pause_ms, bool ends)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        g_autofree char *text = g_strnfill(bytes, 'x');
        close(fds[0]);
        while (send(fds[1], text, bytes, MSG_NOSIGNAL) == (ssize_t)bytes) {
            usleep((useconds_t)pause_ms * 1000);
            if (ends && send(fds[1], "\r\n.\r\n", 5, MSG_NOSIGNAL) == 5)
                break;
        }
        _exit(0);
    }
    close(fds[1]);
    struct lineio *io = lineio_new(fds[0], fds[0]);
    struct bytes out = {0};
    struct lineio_data facts;
    lineio_set_data_time(io, ms, rate);
    const enum lineio_status st = lineio_get_data(io, &out, 1 << 20, &facts);
    bytes_free(&out);
    lineio_free(&io);
    close(fds[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return st;
}

/* No single wait is long, but all of them together are. */
static void data_time(void **state)
{
    (void)state;
    assert_int_equal(slow_data(50, 1 << 20, 1, 5, false), LINEIO_TIMEOUT);
    assert_int_equal(slow_data(10, 1, 1000, 50, true), LINEIO_OK); /* its bytes have bought 1000 s */
    assert_int_equal(slow_data(0, 1, 1, 50, true), LINEIO_OK);
}

static void put_data(void **state)
{
    char got[64] = {0};
    int fds[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct lineio *io = lineio_new(fds[0], fds[0]);
    assert_true(lineio_put_data(io, ".a\r\n..\r\nb", 9));
    assert_true(lineio_flush(io));
    assert_int_equal(read(fds[1], got, sizeof got - 1), 16);
    assert_string_equal(got, "..a\r\n...\r\nb\r\n.\r\n");
    lineio_free(&io);
    close(fds[0]);
    close(fds[1]);
}

static void timeout(void **state)
{
    char line[8];
    int fds[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct lineio *io = lineio_new(fds[0], fds[0]);
    lineio_set_timeout(io, 20);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_TIMEOUT);
    lineio_set_timeout(io, 60000);
    lineio_set_deadline(io, 20);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_TIMEOUT);
    volatile int wake = 1;
    lineio_set_wake(io, &wake, NULL);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_WOKEN);
    lineio_free(&io);
    close(fds[0]);
    close(fds[1]);
}

/* Who is told to end still reads what came, and waits for the silence that this reason wants. */
static void woken(void **state)
{
    static const int quiet_ms[] = {0, 3600000, 20, 0};
    char line[8];
    int fds[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct lineio *io = lineio_new(fds[0], fds[0]);
    volatile int wake = 1;
    lineio_set_wake(io, &wake, quiet_ms);
    assert_int_equal(write(fds[1], "a\r\n", 3), 3);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_OK);
    lineio_set_timeout(io, 20);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_TIMEOUT);
    lineio_set_timeout(io, 3600000);
    wake = 2;
    assert_int_equal(write(fds[1], "b\r\n", 3), 3);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_OK);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_WOKEN);
    wake = 3;
    assert_int_equal(write(fds[1], "c\r\n", 3), 3);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_WOKEN);
    lineio_free(&io);
    close(fds[0]);
    close(fds[1]);
}

/* A client that sends a byte now and then never runs into the timeout of a single read: the whole line has
 * a deadline. */
static void dribble(void **state)
{
    static char line[1 << 20];
    int fds[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        while (send(fds[1], "x", 1, MSG_NOSIGNAL) == 1)
            usleep(5000);
        _exit(0);
    }
    close(fds[1]);
    struct lineio *io = lineio_new(fds[0], fds[0]);
    lineio_set_line_timeout(io, 50);
    assert_int_equal(lineio_get(io, line, sizeof line), LINEIO_TIMEOUT);
    assert_int_equal(lineio_get_lf(io, line, sizeof line), LINEIO_TIMEOUT);
    lineio_free(&io);
    close(fds[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void normalise(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},           {"a", "a\r\n"},           {"a\n", "a\r\n"},
        {"a\r\n", "a\r\n"}, {"a\rb", "a\r\nb\r\n"},   {"a\r\r\nb\n", "a\r\nb\r\n"},
        {"\n\n", "\r\n\r\n"}, {"a\n\rb", "a\r\n\r\nb\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes b = {0};
        bytes_adds(&b, cases[i][0]);
        newline_normalise(&b);
        assert_string_equal((char *)b.data, cases[i][1]);
        bytes_free(&b);
    }
}

static void to_lf(void **state)
{
    static const char *const cases[][2] = {
        {"a\r\nb\r\n", "a\nb\n"}, {"\r\r\n", "\r\n"}, {"a\rb\n", "a\rb\n"}, {"a\r", "a\r"}, {"\n", "\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes b = {0};
        newline_add_lf(&b, cases[i][0], strlen(cases[i][0]));
        assert_string_equal((char *)b.data, cases[i][1]);
        bytes_free(&b);
    }
}

static void tcp_pair(int fds[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    const int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&at, len) | listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &len), 0);
    fds[1] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&at, len), 0);
    fds[0] = accept(listening, NULL, NULL);
    assert_true(fds[0] >= 0);
    close(listening);
}

/* A client that has read the reply may say QUIT and close before we look: it knows. */
static void hung_up(void **state)
{
    (void)state;
    char said[16];
    for (int i = 0; i < 4; i++) {
        const bool reads = i & 1;
        int fds[2];
        if (i < 2)
            assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        else
            tcp_pair(fds);
        struct lineio *io = lineio_new(fds[0], fds[0]);
        lineio_put(io, "250 Ok\r\n");
        assert_true(lineio_flush(io));
        assert_false(lineio_hung_up(io));
        if (reads)
            assert_int_equal(read(fds[1], said, sizeof said), 8);
        assert_int_equal(write(fds[1], "QUIT\r\n", 6), 6);
        close(fds[1]);
        assert_int_equal(lineio_hung_up(io), !reads);
        lineio_free(&io);
        close(fds[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),           cmocka_unit_test(data),
        cmocka_unit_test(data_over_limit), cmocka_unit_test(data_by_the_meter), cmocka_unit_test(data_in_small_pieces),
        cmocka_unit_test(put_data),        cmocka_unit_test(timeout),
        cmocka_unit_test(woken),           cmocka_unit_test(data_time),
        cmocka_unit_test(dribble),         cmocka_unit_test(normalise),
        cmocka_unit_test(to_lf),           cmocka_unit_test(hung_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
