/* Passes lines from workers to the SPF processes. Called by spf_helper.c, spf_process.c, and the master, which
 * makes the door. */
#include "rules/auth/spf_door.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};
/* Room for exactly one descriptor. CMSG_SPACE would round up to two; the kernel closes those that do not fit. */
#define ONE_DESCRIPTOR CMSG_LEN(sizeof(int))

bool spf_door_make(int door_r[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, door_r) == 0)
        return true;
    door_r[0] = door_r[1] = -1;
    return false;
}

void spf_door_close(int door[2])
{
    for (int i = 0; i < 2; i++) {
        if (door[i] >= 0)
            close(door[i]);
        door[i] = -1;
    }
}

static bool pass(int outside, int fd)
{
    union control control;
    struct iovec byte = {.iov_base = (void *)"", .iov_len = 1};
    struct msghdr m = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    memset(&control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    ssize_t n;
    while ((n = sendmsg(outside, &m, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR)
        continue;
    return n == 1;
}

int spf_door_connect(int outside)
{
    int line[2];
    if (outside < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line))
        return -1;
    const bool passed = pass(outside, line[1]);
    close(line[1]);
    if (passed)
        return line[0];
    close(line[0]);
    return -1;
}

static bool has_option(int fd, int option, int value)
{
    int found = -1;
    socklen_t len = sizeof found;
    return getsockopt(fd, SOL_SOCKET, option, &found, &len) == 0 && found == value;
}

/* Checks the descriptor's type: a compromised worker may pass anything. */
static bool is_line(int fd, pid_t *asker_r)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (!has_option(fd, SO_DOMAIN, AF_UNIX) || !has_option(fd, SO_TYPE, SOCK_SEQPACKET) ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || peer.pid <= 0)
        return false;
    *asker_r = peer.pid;
    return true;
}

/* True if the outer end is closed. recvmsg returns 0 for that, but also for an empty packet. */
static bool is_shut(int inside)
{
    struct pollfd p = {.fd = inside, .events = POLLIN | POLLRDHUP};
    return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLRDHUP);
}

int spf_door_accept(int inside, pid_t *asker_r, bool *closed_r)
{
    char byte;
    int fd = -1;
    union control control;
    struct iovec room = {.iov_base = &byte, .iov_len = 1};
    struct msghdr m = {.msg_iov = &room, .msg_iovlen = 1, .msg_control = control.room,
                       .msg_controllen = ONE_DESCRIPTOR};
    const ssize_t n = recvmsg(inside, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *closed_r = n == 0 ? is_shut(inside) : n < 0 && errno != EAGAIN && errno != EINTR;
    const struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == ONE_DESCRIPTOR)
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (fd >= 0 && !is_line(fd, asker_r)) {
        close(fd);
        return -1;
    }
    return fd;
}
