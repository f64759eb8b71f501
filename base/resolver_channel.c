#include "base/resolver_channel.h"

#include <glib.h>
#include <poll.h>

bool resolver_channel_wait(ares_channel channel, int fd, int ms)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd fds[1 + ARES_GETSOCK_MAXNUM] = {{.fd = fd, .events = POLLIN}};
    /* Readable below, writable above; its own macros shift into the sign. */
    const guint32 mask = (guint32)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
    nfds_t n = 1;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        const short events = (short)((mask >> i & 1 ? POLLIN : 0) |
                                     (mask >> (i + ARES_GETSOCK_MAXNUM) & 1 ? POLLOUT : 0));
        if (events)
            fds[n++] = (struct pollfd){.fd = sockets[i], .events = events};
    }
    if (poll(fds, n, ms) < 0)
        return false;
    for (nfds_t i = 1; i < n; i++) {
        const short got = fds[i].revents;
        if (got)
            ares_process_fd(channel, got & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
                            got & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    return fds[0].revents != 0;
}
