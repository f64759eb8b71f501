/* Packs and unpacks requests to the importer. Called by user_tables.c in the tables' process, and by
 * filterd/importer/. */
#include "filterd/tables/key_import.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"

/* gpg takes some 200 ms for a key, and others' keys may come first. A worker waits a little longer
 * (tables_client.c). */
#define WAIT_US (9 * G_USEC_PER_SEC)

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

/* ---- who asks ---- */

static bool pass(int line, const char *user, int passed)
{
    union control control = {{0}};
    struct iovec name = {(char *)user, strlen(user) + 1};
    struct msghdr m = {.msg_iov = &name, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&m);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(head), &passed, sizeof passed);
    return name.iov_len <= KEY_IMPORT_USER_MAX && sendmsg(line, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)name.iov_len;
}

static bool await(int fd, short events, gint64 end)
{
    struct pollfd p = {fd, events, 0};
    int n = -1;
    while (n < 0) {
        n = poll(&p, 1, (int)MAX((end - g_get_monotonic_time() + 999) / 1000, 0));
        if (n < 0 && errno != EINTR)
            return false;
    }
    return n > 0;
}

static bool send_text(int fd, const char *text, size_t len, gint64 end)
{
    while (len && await(fd, POLLOUT, end)) {
        const ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        text += MAX(n, 0);
        len -= (size_t)MAX(n, 0);
    }
    return !len && shutdown(fd, SHUT_WR) == 0;
}

static enum key_import hear(int fd, gint64 end)
{
    unsigned char byte;
    if (!await(fd, POLLIN, end) || recv(fd, &byte, 1, MSG_DONTWAIT) != 1)
        return KEY_IMPORT_TEMP;
    return byte <= KEY_IMPORT_REFUSED ? (enum key_import)byte : KEY_IMPORT_TEMP;
}

enum key_import key_import_ask(int line, const char *user, const char *text, size_t len)
{
    int ends[2];
    const gint64 end = g_get_monotonic_time() + WAIT_US;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return KEY_IMPORT_TEMP;
    const bool passed = pass(line, user, ends[1]);
    close(ends[1]);
    const bool sent = passed && send_text(ends[0], text, len, end);
    const enum key_import result = sent ? hear(ends[0], end) : KEY_IMPORT_TEMP;
    close(ends[0]);
    return result;
}

/* ---- the importer ---- */

static int descriptor_in(struct msghdr *m)
{
    int fd = -1;
    const struct cmsghdr *head = CMSG_FIRSTHDR(m);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

static bool is_user(const char *user, size_t len)
{
    if (!len || memchr(user, 0, len) != user + len - 1 || !g_utf8_validate(user, -1, NULL))
        return false;
    g_autofree char *canonical = address_canonical(user);
    return canonical && !strcmp(canonical, user);
}

bool key_import_take(int line, char user[KEY_IMPORT_USER_MAX], int *socket_r)
{
    union control control = {{0}};
    struct iovec name = {user, KEY_IMPORT_USER_MAX};
    struct msghdr m = {.msg_iov = &name, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    const ssize_t n = recvmsg(line, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *socket_r = n < 0 ? -1 : descriptor_in(&m);
    if (n > 0 && *socket_r >= 0 && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && is_user(user, (size_t)n))
        return true;
    if (*socket_r >= 0)
        close(*socket_r);
    return false;
}

void key_import_answer(int socket, enum key_import result)
{
    const unsigned char byte = (unsigned char)result;
    send(socket, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT); /* who asked may have given up */
}
