/* A next hop at a unix socket that is busy is waited for, as one at a port is; one that is not there is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "filterd/delivery/dial.h"
#include "t/unit/test_folder.h"

#define LONG_MS 60000

static int folder_for_socket(void **state)
{
    (void)state;
    return folder_make("hop.sock");
}

static struct sockaddr_un address(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    g_strlcpy(un.sun_path, file, sizeof un.sun_path);
    return un;
}

/* Connects until the backlog has no room; how many have connected, with their descriptors. */
static int fill(int *fds, int most)
{
    const struct sockaddr_un un = address();
    for (int n = 0; n < most; n++) {
        fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fds[n], (const struct sockaddr *)&un, sizeof un) < 0) {
            close(fds[n]);
            return n;
        }
    }
    return most;
}

static void busy(void **state)
{
    (void)state;
    const struct sockaddr_un un = address();
    const struct endpoint at = {.path = file};
    int fds[8], begun[2], status;
    char byte;
    const int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (const struct sockaddr *)&un, sizeof un) | listen(listening, 1), 0);
    const int full = fill(fds, 8);
    assert_in_range(full, 1, 7);
    assert_int_equal(dial(&at, 1), -1); /* not for ever */
    assert_int_equal(pipe(begun), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        if (write(begun[1], "", 1) != 1)
            _exit(2);
        const int fd = dial(&at, LONG_MS);
        _exit(fd < 0 || write(fd, "x", 1) != 1);
    }
    assert_int_equal(read(begun[0], &byte, 1), 1);
    usleep(100000); /* it has tried by now; if not, the test proves less */
    for (int n = 0; n < full; n++) {
        const int fd = accept(listening, NULL, NULL);
        assert_true(fd >= 0);
        close(fd);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (int n = 0; n < full; n++)
        close(fds[n]);
    close(begun[0]);
    close(begun[1]);
    close(listening);
}

static void nobody_there(void **state)
{
    (void)state;
    g_autofree char *longer = g_strnfill(200, 'x');
    const struct endpoint gone = {.path = file}, too_long = {.path = longer};
    assert_int_equal(dial(&gone, LONG_MS), -1);
    assert_int_equal(dial(&too_long, LONG_MS), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(busy, folder_for_socket, folder_remove),
        cmocka_unit_test_setup_teardown(nobody_there, folder_for_socket, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
