/* Packs and unpacks requests to the importer. Called by user_tables.c in the tables' process, and by
 * filterd/importer/. */
#include "filterd/tables/key_import.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"

/* What a socket's buffer holds (some 200 KB) is sent at once; for more the importer has to be there. */
#define SEND_US (3 * G_USEC_PER_SEC)

struct packet {
    guint64 len;
    char user[KEY_IMPORT_USER_MAX]; /* as long as the packet */
};

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

/* ---- descriptors ---- */

/* socket -1: none is passed. */
bool key_import_pass(int to, const void *data, size_t len, int socket)
{
    union control control = {{0}};
    struct iovec v = {(void *)data, len};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    if (socket >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&m);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof socket);
        memcpy(CMSG_DATA(head), &socket, sizeof socket);
    }
    return sendmsg(to, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

/* The kernel puts as many descriptors into our table as there is room for: there is room for one, where CMSG_SPACE has
 * room for two. */
ssize_t key_import_get(int from, void *data, size_t len, int *socket_r)
{
    union control control = {{0}};
    struct iovec v = {data, len};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_LEN(sizeof(int))};
    const ssize_t n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *head = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
    *socket_r = -1;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(socket_r, CMSG_DATA(head), sizeof(int));
    if (n < 0 || !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return n;
    if (*socket_r >= 0)
        close(*socket_r);
    *socket_r = -1;
    return 0;
}

/* ---- who asks ---- */

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

/* The importer may close its end before the end of a text that is too long: the answer lies there then. */
static bool send_text(int fd, const char *text, size_t len)
{
    const gint64 end = g_get_monotonic_time() + SEND_US;
    while (len && await(fd, POLLOUT, end)) {
        const ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return errno == EPIPE || errno == ECONNRESET;
        text += MAX(n, 0);
        len -= (size_t)MAX(n, 0);
    }
    return !len && shutdown(fd, SHUT_WR) == 0;
}

enum key_import key_import_hear(int socket)
{
    unsigned char byte;
    if (recv(socket, &byte, 1, MSG_DONTWAIT) != 1)
        return KEY_IMPORT_TEMP;
    return byte <= KEY_IMPORT_REFUSED ? (enum key_import)byte : KEY_IMPORT_TEMP;
}

int key_import_ask(int line, const char *user, const char *text, size_t len)
{
    int ends[2];
    struct packet p = {.len = len};
    const size_t name = strlen(user) + 1;
    if (name > sizeof p.user || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return -1;
    memcpy(p.user, user, name);
    const bool passed = key_import_pass(line, &p, offsetof(struct packet, user) + name, ends[1]);
    close(ends[1]);
    if (passed && send_text(ends[0], text, len))
        return ends[0];
    close(ends[0]);
    return -1;
}

/* ---- the importer ---- */

static bool is_user(const char *user, size_t len)
{
    if (!len || memchr(user, 0, len) != user + len - 1 || !g_utf8_validate(user, -1, NULL))
        return false;
    g_autofree char *canonical = address_canonical(user);
    return canonical && !strcmp(canonical, user);
}

bool key_import_take(int line, struct key_import_request *r)
{
    struct packet p;
    const size_t before = offsetof(struct packet, user);
    const ssize_t n = key_import_get(line, &p, sizeof p, &r->socket);
    if (n > (ssize_t)before && r->socket >= 0 && is_user(p.user, (size_t)n - before)) {
        strcpy(r->user, p.user);
        r->len = p.len;
        return true;
    }
    if (r->socket >= 0)
        close(r->socket);
    return false;
}

void key_import_answer(int socket, enum key_import result)
{
    const unsigned char byte = (unsigned char)result;
    send(socket, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT); /* who asked may have given up */
}
