/* What the log writes of text that came from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* A foreign text, and what the log writes of it. */
static void expect(const char *text, const char *written)
{
    char line[256] = "";
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    log_to_fd(fds[1]);
    log_info("from=<%s>", text);
    log_to_fd(-1);
    close(fds[1]);
    assert_true(read(fds[0], line, sizeof line - 1) > 0);
    close(fds[0]);
    assert_string_equal(line, written);
}

static void harmless(void **state)
{
    (void)state;
    expect("a@b.example", "Ifrom=<a@b.example>\n");
    expect("j\xc3\xbcrgen", "Ifrom=<j\xc3\xbcrgen>\n");
    expect("\xc2\xa0", "Ifrom=<\xc2\xa0>\n");
    expect("a\r\nfilterd: b\x7f\x1b[0m", "Ifrom=<a??filterd: b??[0m>\n");
    expect("\xc2\x9b" "31m", "Ifrom=<??31m>\n");
    expect("\x9b" "31m\xff\xc3", "Ifrom=<?31m?\?>\n");
    expect("\xe2\x82", "Ifrom=<?\?>\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
