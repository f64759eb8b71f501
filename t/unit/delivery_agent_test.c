/* A copy appears in the maildir whole, with LF line ends, and only while its worker waits for the result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/result.h"
#include "filterd/delivery/delivery_agent.h"
#include "t/unit/test_folder.h"

static int ends[2];

static int open_all(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ? -1 : folder_make("box");
}

static int close_all(void **state)
{
    close(ends[1]);
    return folder_remove(state);
}

/* How many files there are in that part of the box; the last one's text, g_free. */
static int count(const char *part, char **text_r)
{
    int n = 0;
    g_autofree char *path = g_build_filename(file, part, NULL);
    GDir *dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir)); n++) {
        g_autofree char *at = g_build_filename(path, name, NULL);
        g_clear_pointer(text_r, g_free);
        assert_true(g_file_get_contents(at, text_r, NULL, NULL));
    }
    g_dir_close(dir);
    return n;
}

static char *deliver(const char *text)
{
    struct delivery_agent_job job = {.path = file, .sender = "", .recipient = "a@example.com",
                              .message = g_bytes_new(text, strlen(text)), .worker = ends[1]};
    char *error = NULL;
    const enum outcome_reason reason = delivery_agent_maildir(&job, &error);
    assert_int_equal(reason == REASON_OK, error == NULL);
    g_bytes_unref(job.message);
    return error;
}

/* One socket carries one job after the other, whatever the messages hold. */
static void jobs(void **state)
{
    (void)state;
    static const char *const who[] = {"a@example.com", "b@example.com"};
    g_autofree char *text = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        delivery_agent_serve(ends[1], delivery_agent_maildir);
        _exit(0);
    }
    close(ends[1]);
    GString *large = g_string_new("Subject: \xff\r\n\r\n");
    while (large->len < 300000)
        g_string_append_len(large, "\0\r\n\r", 4);
    for (int i = 0; i < 3; i++) {
        const struct outcome o = delivery_agent_deliver(&ends[0], file, who, large->str, large->len);
        assert_int_equal(o.result, RES_OK);
    }
    assert_int_equal(delivery_agent_deliver(&ends[0], "/dev/null/box", who, "", 0).result, RES_TEMP);
    assert_true(ends[0] >= 0);
    assert_int_equal(delivery_agent_deliver(&ends[0], file, who, "", 0).result, RES_OK);
    assert_int_equal(count("new", &text), 4);
    g_string_free(large, TRUE);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    ends[1] = -1;
}

static void awaited(void **state)
{
    (void)state;
    g_autofree char *text = NULL;
    assert_null(deliver("A: b\r\n\r\n\r\r\ntext\r\r\n\n\r"));
    assert_int_equal(count("new", &text), 1);
    assert_string_equal(text, "A: b\n\n\r\ntext\r\n\n\r");
    assert_int_equal(count("tmp", &text), 0);
    close(ends[0]);
}

static void given_up(void **state)
{
    (void)state;
    char *text = NULL;
    close(ends[0]);
    g_autofree char *error = deliver("A: b\r\n\r\n");
    assert_non_null(error);
    assert_int_equal(count("new", &text) + count("tmp", &text), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(jobs, open_all, close_all),
        cmocka_unit_test_setup_teardown(awaited, open_all, close_all),
        cmocka_unit_test_setup_teardown(given_up, open_all, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
