/* Connects to a next hop by name, address or unix socket. Called by smtp_client.c. */
#include "filterd/delivery/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/dns/resolver_host.h"
#include "base/endpoint.h"
#include "base/log.h"

static int left_ms(gint64 end)
{
    const gint64 left = (end - g_get_monotonic_time()) / 1000;
    return (int)MAX(left, 0);
}

static bool is_connected(int fd, int timeout_ms)
{
    const gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    struct pollfd p = {fd, POLLOUT, 0};
    int error = 0, rc;
    socklen_t size = sizeof error;
    do
        rc = poll(&p, 1, left_ms(end));
    while (rc < 0 && errno == EINTR);
    return rc == 1 && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) && !error;
}

static int connect_to(const struct sockaddr *sa, socklen_t len, int timeout_ms)
{
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, sa, len) < 0 && (errno != EINPROGRESS || !is_connected(fd, timeout_ms))) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

static bool set_patience(int fd, int ms)
{
    const struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv) == 0;
}

/* Blocks: when more clients wait than the next hop's backlog has room for, a socket that does not block is refused at
 * once (EAGAIN), where TCP waits. */
static bool connect_unix(int fd, const struct sockaddr_un *un, int timeout_ms)
{
    const gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    for (int left = timeout_ms; left > 0 && set_patience(fd, left); left = left_ms(end)) {
        if (connect(fd, (const struct sockaddr *)un, sizeof *un) == 0)
            return set_patience(fd, 0);
        if (errno != EINTR)
            break;
    }
    return false;
}

static int dial_unix(const char *path, int timeout_ms)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof un.sun_path)
        return -1;
    strcpy(un.sun_path, path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect_unix(fd, &un, timeout_ms))
        return fd;
    close(fd);
    return -1;
}

/* Gives each address its share of the time, so that one without an answer does not use it up. */
static int dial_inet(const struct endpoint *at, int timeout_ms)
{
    const gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    const char *why;
    GArray *all = resolver_host(at->host, at->port, timeout_ms, &why);
    int fd = -1;
    if (!all->len)
        log_warn("next hop %s: %s", at->host, why);
    for (guint i = 0; fd < 0 && i < all->len; i++) {
        const struct resolver_host_address *a =
            &g_array_index(all, struct resolver_host_address, i);
        fd = connect_to((const struct sockaddr *)&a->at, a->len, left_ms(end) / (int)(all->len - i));
    }
    g_array_unref(all);
    return fd;
}

int dial(const struct endpoint *at, int timeout_ms)
{
    return at->path ? dial_unix(at->path, timeout_ms) : dial_inet(at, timeout_ms);
}
