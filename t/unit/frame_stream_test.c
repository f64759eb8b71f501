/* Frames piece by piece, over a socket that nobody waits for, and descriptors that come along. */
#include "base/frame_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/rate.h"

enum { LIMIT = 1 << 20, WAIT_MS = 5000 };

static int ends[2];
static struct frame_stream *stream;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    stream = frame_stream_new(ends[0]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    frame_stream_free(&stream);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static GVariant *text_of(size_t len)
{
    g_autofree char *text = g_strnfill(len, 'x');
    return g_variant_new("(s)", text);
}

/* The bytes of a frame as the other end sends them. */
static GByteArray *bytes_of(size_t len)
{
    GVariant *v = g_variant_ref_sink(text_of(len));
    const gsize size = g_variant_get_size(v);
    const guint8 head[4] = {(guint8)(size >> 24), (guint8)(size >> 16), (guint8)(size >> 8), (guint8)size};
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, head, 4);
    g_byte_array_append(bytes, g_variant_get_data(v), (guint)size);
    g_variant_unref(v);
    return bytes;
}

static enum frame_stream_end step(void)
{
    int passed;
    const enum frame_stream_end end = frame_stream_read(stream, LIMIT, &passed);
    assert_int_equal(passed, -1);
    return end;
}

static void test_byte_by_byte(void **state)
{
    GByteArray *bytes = bytes_of(3000);
    (void)state;
    for (int n = 0; n < 2; n++) {
        assert_false(frame_stream_is_partial(stream));
        for (guint i = 0; i < bytes->len; i++) {
            assert_int_equal(step(), FRAME_STREAM_MORE);
            assert_int_equal(frame_stream_is_partial(stream), i > 0);
            assert_int_equal(send(ends[1], bytes->data + i, 1, 0), 1);
        }
        assert_int_equal(step(), FRAME_STREAM_WHOLE);
        GVariant *v = frame_stream_take(stream, "(s)");
        const char *text;
        g_variant_get(v, "(&s)", &text);
        assert_int_equal(strlen(text), 3000);
        g_variant_unref(v);
    }
    g_byte_array_unref(bytes);
}

/* Two frames that came together are taken one after the other. */
static void test_two_at_once(void **state)
{
    (void)state;
    assert_true(frame_send(ends[1], text_of(1), WAIT_MS) && frame_send(ends[1], text_of(2), WAIT_MS));
    for (size_t len = 1; len <= 2; len++) {
        const char *text;
        assert_int_equal(step(), FRAME_STREAM_WHOLE);
        GVariant *v = frame_stream_take(stream, "(s)");
        g_variant_get(v, "(&s)", &text);
        assert_int_equal(strlen(text), len);
        g_variant_unref(v);
    }
    assert_int_equal(step(), FRAME_STREAM_MORE);
}

static void test_what_breaks(void **state)
{
    static const unsigned char long_one[] = {0, 16, 0, 1};
    (void)state;
    assert_true(frame_send(ends[1], g_variant_new_uint32(7), WAIT_MS));
    assert_int_equal(step(), FRAME_STREAM_WHOLE);
    assert_null(frame_stream_take(stream, "(s)"));
    assert_int_equal(send(ends[1], "\0\0\0\0", 4, 0), 4);
    assert_int_equal(step(), FRAME_STREAM_WHOLE);
    assert_null(frame_stream_take(stream, FRAME_REQUEST));
    assert_int_equal(send(ends[1], long_one, 4, 0), 4);
    assert_int_equal(step(), FRAME_STREAM_BROKEN);
}

static void test_the_end(void **state)
{
    (void)state;
    assert_int_equal(send(ends[1], "\0\0\0\5x", 5, 0), 5);
    assert_int_equal(step(), FRAME_STREAM_MORE);
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    assert_int_equal(step(), FRAME_STREAM_BROKEN);
}

static void test_who_reads_late(void **state)
{
    (void)state;
    assert_true(frame_stream_send(stream, text_of(10)));
    assert_false(frame_stream_is_sending(stream));
    assert_true(frame_stream_send(stream, text_of(5000000)));
    assert_true(frame_stream_is_sending(stream));
    assert_false(frame_stream_send(stream, text_of(10))); /* one at a time */
    GByteArray *got = g_byte_array_new();
    while (got->len < 5000000 + 10) {
        guint8 chunk[65536];
        const ssize_t n = recv(ends[1], chunk, sizeof chunk, 0);
        assert_true(n > 0);
        g_byte_array_append(got, chunk, (guint)n);
        assert_true(frame_stream_flush(stream));
    }
    assert_false(frame_stream_is_sending(stream));
    assert_true(frame_stream_send(stream, text_of(10)));
    close(ends[1]);
    assert_false(frame_stream_send(stream, text_of(10)));
    ends[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    g_byte_array_unref(got);
}

/* ---- descriptors ---- */

static int open_now(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void test_a_descriptor(void **state)
{
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC), before = open_now();
    int passed;
    (void)state;
    assert_true(frame_stream_pass(ends[1], text_of(5), null));
    assert_int_equal(frame_stream_read(stream, LIMIT, &passed), FRAME_STREAM_WHOLE);
    assert_true(passed >= 0);
    assert_int_equal(fcntl(passed, F_GETFL) & O_ACCMODE, O_WRONLY);
    assert_true(fcntl(passed, F_GETFD) & FD_CLOEXEC);
    close(passed);
    g_variant_unref(frame_stream_take(stream, "(s)"));
    assert_int_equal(open_now(), before);
    close(null);
}

/* A hundred descriptors with each byte: none of them stays open. */
static void test_many_descriptors(void **state)
{
    enum { MANY = 100 };
    const int before = open_now();
    char control[CMSG_SPACE(MANY * sizeof(int))] __attribute__((aligned(8)));
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct iovec v = {(char *)"\0", 1};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        int fds[MANY], passed;
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fds);
        for (int i = 0; i < MANY; i++)
            fds[i] = ends[1];
        memcpy(CMSG_DATA(c), fds, sizeof fds);
        assert_int_equal(sendmsg(ends[1], &m, 0), 1);
        assert_int_equal(frame_stream_read(stream, LIMIT, &passed), FRAME_STREAM_MORE);
        assert_true(passed >= 0);
        close(passed);
        assert_int_equal(open_now(), before);
    }
}

/* ---- rates ---- */

static void test_rate(void **state)
{
    static const struct rate_limit limit = {3, 2};
    struct rate r = {0};
    const gint64 second = G_USEC_PER_SEC;
    gint64 now = 100 * second;
    (void)state;
    assert_true(rate_take(&r, &limit, 2, now) && rate_take(&r, &limit, 1, now));
    assert_false(rate_take(&r, &limit, 1, now) || rate_take(&r, &limit, 0.5, now));
    assert_int_equal(r.over, 2);
    assert_false(rate_is_fresh(&r, &limit, now));
    now += second / 2;
    assert_true(rate_take(&r, &limit, 1, now));
    assert_false(rate_take(&r, &limit, 1, now));
    assert_false(rate_is_fresh(&r, &limit, now + second));
    assert_true(rate_is_fresh(&r, &limit, now + 2 * second));
    now += 100 * second;
    assert_false(rate_take(&r, &limit, 4, now)); /* more than at once */
    assert_true(rate_take(&r, &limit, 3, now));
    assert_false(rate_take(&r, &limit, 1, now - 50 * second)); /* a clock that went back gives nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_byte_by_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_breaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_reads_late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_descriptor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_descriptors, set_up, tear_down),
        cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
