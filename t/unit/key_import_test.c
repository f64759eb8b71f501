/* Requests to the importer that are none, or too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filterd/tables/key_import.h"

/* The importer has enough of it before its end, and says so: that is an answer. */
static void too_long_for_a_key(void **state)
{
    int line[2];
    char piece[65536];
    g_autofree char *text = g_strnfill(8 << 20, 'x');
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        struct key_import_request r;
        struct pollfd p = {line[0], POLLIN, 0};
        const bool took = poll(&p, 1, 60000) == 1 && key_import_take(line[0], &r) && recv(r.socket, piece, sizeof piece, 0) > 0;
        key_import_answer(r.socket, KEY_IMPORT_REFUSED);
        _exit(took && r.len == 8 << 20 ? 0 : 1);
    }
    const int fd = key_import_ask(line[1], "kim@x.org", text, 8 << 20);
    int status;
    assert_true(fd >= 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(key_import_hear(fd), KEY_IMPORT_REFUSED);
    close(fd);
    close(line[0]);
    close(line[1]);
}

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 200; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Whoever sends more than one does not fill the table of who takes them. */
static void several_descriptors(void **state)
{
    int line[2];
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control = {{0}};
    struct key_import_request r;
    char data[] = "12345678kim@x.org";
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line), 0);
    const int before = open_descriptors();
    for (size_t n = 1; n <= 4; n++) {
        const int sent[4] = {0, 0, 0, 0};
        struct iovec v = {data, sizeof data};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(n * sizeof(int))};
        struct cmsghdr *head = CMSG_FIRSTHDR(&m);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(head), sent, n * sizeof(int));
        assert_int_equal(sendmsg(line[1], &m, 0), sizeof data);
        assert_int_equal(key_import_take(line[0], &r), n == 1);
        if (n == 1)
            close(r.socket);
        assert_int_equal(open_descriptors(), before);
    }
    close(line[0]);
    close(line[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(too_long_for_a_key), cmocka_unit_test(several_descriptors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
