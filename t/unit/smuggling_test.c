/* SMTP smuggling: DATA ends where RFC 5321 says, for every mix of CR, LF and dots, wherever the
 * stream is cut into reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/lineio.h"

#define END "\r\n.\r\n"
#define BUFFER_BYTES 65536

/* What RFC 5321 makes of a stream: the text before its first CRLF.CRLF, dots unstuffed. */
struct expected {
    char text[BUFFER_BYTES + 64];
    size_t len;
    bool bare;
};

static bool is_bare(const char *at, const char *first)
{
    return *at == '\r' ? at[1] != '\n' : *at == '\n' && (at == first || at[-1] != '\r');
}

static void expect(const char *stream, struct expected *e)
{
    g_autofree char *full = g_strconcat("\r\n", stream, NULL);
    const char *end = strstr(full, END);
    assert_non_null(end);
    e->len = 0;
    e->bare = false;
    for (const char *p = full + 2; p < end + 2; p++) {
        e->bare |= is_bare(p, full);
        if (*p != '.' || p[-1] != '\n' || p[-2] != '\r')
            e->text[e->len++] = *p;
    }
}

/* What is written before each read, a piece each time. */
struct pieces {
    int fd;
    const char *next;
    size_t first, then; /* bytes of the first piece, and of all later ones */
};

static bool write_piece(int fd, int timeout_ms, void *arg)
{
    struct pieces *p = arg;
    const size_t len = MIN(p->first, strlen(p->next));
    (void)fd;
    (void)timeout_ms;
    if (len == 0) {
        shutdown(p->fd, SHUT_WR);
        return true;
    }
    assert_int_equal(write(p->fd, p->next, len), len);
    p->next += len;
    p->first = p->then;
    return true;
}

static void check(const char *stream, const struct expected *e, size_t first, size_t then)
{
    int fds[2];
    struct bytes out = {0};
    struct lineio_data facts;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct pieces pieces = {fds[1], stream, first, then};
    struct lineio *io = lineio_new(fds[0], fds[0]);
    lineio_set_waiter(io, write_piece, &pieces);
    assert_int_equal(lineio_get_data(io, &out, 2 * BUFFER_BYTES, &facts), LINEIO_OK);
    assert_int_equal(out.len, e->len);
    if (e->len)
        assert_memory_equal(out.data, e->text, e->len);
    assert_int_equal(facts.bare, e->bare);
    lineio_free(&io);
    bytes_free(&out);
    close(fds[0]);
    close(fds[1]);
}

/* The n-th string of this length over CR, LF, dot and a letter. */
static void nth(char *text, int len, unsigned n)
{
    for (int i = 0; i < len; i++, n /= 4)
        text[i] = "\r\n.a"[n % 4];
    text[len] = 0;
}

static void every_mix(void **state)
{
    static struct expected e;
    (void)state;
    for (int len = 0; len <= 7; len++) {
        for (unsigned n = 0; n < 1u << 2 * len; n++) {
            char stream[32];
            nth(stream, len, n);
            strcat(stream, END);
            expect(stream, &e);
            check(stream, &e, 1, 1);
            for (size_t cut = 1; len <= 5 && cut < strlen(stream); cut++)
                check(stream, &e, cut, sizeof stream);
        }
    }
}

/* The end of data lies across the end of the reader's own buffer, in each possible way. */
static void every_border(void **state)
{
    static struct expected e;
    static char stream[BUFFER_BYTES + 64];
    (void)state;
    for (unsigned n = 0; n < 1u << 2 * 4; n++) {
        char mix[8];
        nth(mix, 4, n);
        for (size_t before = 0; before <= 9; before++) {
            const size_t pad = BUFFER_BYTES - before;
            memset(stream, 'x', pad);
            strcpy(stream + pad, mix);
            strcat(stream, END);
            expect(stream, &e);
            check(stream, &e, sizeof stream, sizeof stream);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mix),
        cmocka_unit_test(every_border),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
