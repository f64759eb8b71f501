/* A client of clamd against a process that plays clamd: good answers, bad ones, late ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rules/clamav.h"

/* Where an answer comes: only a bound. */
#define PATIENCE_MS 60000

static char *folder, *path;
static const char eicar[] = "an attachment";

struct manner {
    const char *answer;
    size_t len;          /* of answer */
    size_t take;         /* answers after so many bytes of the stream; 0: at its end */
    int pause_ms;        /* before and between the answer's bytes */
    bool deaf;           /* clamd reads nothing */
    bool given_up;       /* the client may hang up at any time */
};

static bool get(int fd, void *to, size_t len)
{
    char *at = to;
    while (len) {
        ssize_t n = read(fd, at, len);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Reads the whole stream and compares it with "an attachment" over and over: its length, or -1. */
static long take_stream(int fd, size_t limit)
{
    char command[10], byte;
    uint32_t size;
    long total = 0;
    if (!get(fd, command, sizeof command) || memcmp(command, "zINSTREAM", 10) != 0)
        return -1;
    while (get(fd, &size, sizeof size)) {
        if (!size)
            return total;
        for (uint32_t i = 0; i < ntohl(size); i++, total++) {
            if (limit && (size_t)total >= limit)
                return total;
            if (!get(fd, &byte, 1) || byte != eicar[(size_t)total % (sizeof eicar - 1)])
                return -1;
        }
    }
    return -1;
}

static void serve(int listener, const struct manner *m)
{
    int fd = accept(listener, NULL, NULL);
    if (m->deaf)
        pause();
    if (take_stream(fd, m->take) < 0)
        _exit(1);
    for (size_t i = 0; i < m->len; i++) {
        if (m->pause_ms)
            g_usleep((gulong)m->pause_ms * 1000);
        if (send(fd, m->answer + i, 1, MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
    _exit(0);
}

static enum clamav_answer scan(const struct manner *m, size_t len, int timeout_ms, char name[128])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *data = g_malloc(len + 1);
    int status;
    for (size_t i = 0; i < len; i++)
        data[i] = eicar[i % (sizeof eicar - 1)];
    g_unlink(path);
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 5), 0);
    pid_t pid = fork();
    if (pid == 0)
        serve(listener, m);
    memset(name, 'x', 128);
    enum clamav_answer answer = clamav_scan(path, data, len, timeout_ms, name);
    assert_non_null(memchr(name, 0, 128));
    if (m->deaf)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    assert_true(m->deaf || m->given_up || status == 0);
    close(listener);
    return answer;
}

static void expect(const char *said, size_t len, enum clamav_answer want, const char *name)
{
    char got[128];
    assert_int_equal(scan(&(struct manner){.answer = said, .len = len}, 100, PATIENCE_MS, got), want);
    assert_string_equal(got, name);
}

#define SAID(text) text, sizeof(text)
#define HALF(text) text, sizeof(text) - 1

static void answers(void **state)
{
    (void)state;
    expect(SAID("stream: OK"), CLAMAV_CLEAN, "");
    expect(SAID("stream: Win.Test.EICAR_HDB-1 FOUND"), CLAMAV_FOUND, "Win.Test.EICAR_HDB-1");
    expect(SAID("stream: a\x01\xff b FOUND"), CLAMAV_FOUND, "a?? b");
    expect(SAID("INSTREAM size limit exceeded. ERROR"), CLAMAV_ERROR,
           "INSTREAM size limit exceeded. ERROR");
    expect(SAID("stream: OK FOUND"), CLAMAV_FOUND, "OK");
    expect(SAID("stream: OK ERROR"), CLAMAV_ERROR, "stream: OK ERROR");
    expect(SAID("stream: FOUND"), CLAMAV_ERROR, "stream: FOUND");
    expect(SAID("stream:  FOUND"), CLAMAV_ERROR, "stream:  FOUND");
    expect(SAID("OK"), CLAMAV_ERROR, "OK");
    expect(SAID("stream: ok"), CLAMAV_ERROR, "stream: ok");
    expect(SAID(""), CLAMAV_ERROR, "clamd said nothing");
    expect(HALF("stream: OK"), CLAMAV_ERROR, "clamd hung up");
    expect("", 0, CLAMAV_ERROR, "clamd hung up");
}

static void endless(void **state)
{
    char name[128], *flood = g_strnfill(5000, 'F');
    (void)state;
    struct manner m = {.answer = flood, .len = 5000};
    assert_int_equal(scan(&m, 10, PATIENCE_MS, name), CLAMAV_ERROR);
    assert_string_equal(name, "clamd's answer has no end");
    memcpy(flood, "stream: ", 8);
    memcpy(flood + 600, " FOUND", 7);
    m.len = 607;
    assert_int_equal(scan(&m, 10, PATIENCE_MS, name), CLAMAV_FOUND);
    assert_int_equal(strlen(name), 127);
    g_free(flood);
}

static void streams(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 3 * 65536, 5000000};
    char name[128];
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        assert_int_equal(scan(&(struct manner){.answer = "stream: OK", .len = 11}, sizes[i], PATIENCE_MS, name),
                         CLAMAV_CLEAN);
}

/* clamd answers and hangs up while we still write: the answer counts, and SIGPIPE does not end us. */
static void early(void **state)
{
    char name[128];
    const struct manner m = {.answer = SAID("INSTREAM size limit exceeded. ERROR"), .take = 1000};
    (void)state;
    assert_int_equal(scan(&m, 5000000, PATIENCE_MS, name), CLAMAV_ERROR);
    assert_true(!strcmp(name, "INSTREAM size limit exceeded. ERROR") || !strcmp(name, "clamd hung up"));
    const struct manner gone = {.answer = "", .take = 1000};
    assert_int_equal(scan(&gone, 5000000, PATIENCE_MS, name), CLAMAV_ERROR);
}

static void deadline(void **state)
{
    char name[128];
    (void)state;
    assert_int_equal(scan(&(struct manner){.deaf = true}, 5000000, 200, name), CLAMAV_ERROR);
    assert_string_equal(name, "timeout");
    /* Each byte comes soon enough, the eleven of them do not. */
    const struct manner drips = {.answer = SAID("stream: OK"), .pause_ms = 60, .given_up = true};
    assert_int_equal(scan(&drips, 10, 200, name), CLAMAV_ERROR);
    assert_string_equal(name, "timeout");
}

static void nobody(void **state)
{
    char name[128], *far = g_strnfill(200, 'a');
    (void)state;
    assert_int_equal(clamav_scan("/nonexistent/clamd", "x", 1, 1000, name), CLAMAV_ERROR);
    assert_string_equal(name, "No such file or directory");
    assert_int_equal(clamav_scan(far, "x", 1, 1000, name), CLAMAV_ERROR);
    g_free(far);
}

static int make_folder(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("filterd-clamav-XXXXXX", NULL);
    path = folder ? g_build_filename(folder, "clamd", NULL) : NULL;
    return path ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    g_unlink(path);
    int failed = rmdir(folder);
    g_free(path);
    g_free(folder);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers), cmocka_unit_test(endless),  cmocka_unit_test(streams),
        cmocka_unit_test(early),   cmocka_unit_test(deadline), cmocka_unit_test(nobody),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
