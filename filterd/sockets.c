/* Listening sockets. Called by listening.c, milter_processes.c, master.c and worker.c. */
#include "filterd/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/network.h"

#define BACKLOG 256

static bool bind_and_listen(int fd, const struct sockaddr *sa, socklen_t len)
{
    int one = 1;
    if (sa->sa_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return bind(fd, sa, len) == 0 && listen(fd, BACKLOG) == 0;
}

/* False if the kernel says that no process listens there: a daemon that ended left the file over. Anything else, also
 * that we may not connect, leaves the socket to whoever made it. */
static bool is_in_use(const struct sockaddr_un *un)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool used = fd < 0 || !connect(fd, (const struct sockaddr *)un, sizeof *un) ||
                      (errno != ECONNREFUSED && errno != ENOENT);
    if (fd >= 0)
        close(fd);
    return used;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof un.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(un.sun_path, path);
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        if (is_in_use(&un)) {
            errno = EADDRINUSE;
            return -1;
        }
        unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (!bind_and_listen(fd, (struct sockaddr *)&un, sizeof un) || chmod(path, 0666)) {
        const int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int listen_inet(const struct endpoint *at)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    int fd = -1;
    if (getaddrinfo(at->host, at->port, &hints, &list)) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && !bind_and_listen(fd, a->ai_addr, a->ai_addrlen)) {
            int error = errno;
            close(fd);
            errno = error;
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

int sockets_listen(const struct endpoint *at, char **error_r)
{
    int fd = at->path ? listen_unix(at->path) : listen_inet(at);
    const int error = errno;
    if (fd < 0)
        *error_r = at->path ? g_strdup_printf("cannot listen on unix:%s: %s", at->path,
                                              g_strerror(error))
                            : g_strdup_printf("cannot listen on inet:%s:%s: %s", at->host, at->port,
                                              g_strerror(error));
    errno = error;
    return fd;
}

bool sockets_same(const struct endpoint *a, const struct endpoint *b)
{
    return !g_strcmp0(a->path, b->path) && !g_strcmp0(a->host, b->host) &&
           !g_strcmp0(a->port, b->port);
}

bool sockets_trusted(int fd, char *const *networks)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    if (getpeername(fd, (struct sockaddr *)&sa, &len))
        return false;
    if (sa.ss_family == AF_UNIX)
        return true;
    char text[INET6_ADDRSTRLEN] = "";
    const void *from = sa.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&sa)->sin_addr
                                               : (void *)&((struct sockaddr_in6 *)&sa)->sin6_addr;
    return inet_ntop(sa.ss_family, from, text, sizeof text) && network_contains(networks, text);
}
