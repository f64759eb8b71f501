/* Listening sockets. Called by listening.c, milter_processes.c, master.c and worker.c. */
#include "filterd/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/network.h"
#include "base/socket_rights.h"

#define BACKLOG 256

static bool bind_and_listen(int fd, const struct sockaddr *sa, socklen_t len)
{
    int one = 1;
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

/* A unix socket to be made. */
struct file {
    struct sockaddr_un un;
    const struct socket_rights *rights;
    gid_t gid;
    int fd;
};

/* Nobody can connect before it listens. */
static int bind_and_listen_unix(void *arg)
{
    const struct file *f = arg;
    return !bind(f->fd, (const struct sockaddr *)&f->un, sizeof f->un) &&
                   (!f->rights->users || socket_rights_admit(f->un.sun_path, f->rights->users))
               ? listen(f->fd, BACKLOG)
               : -1;
}

/* Makes it with the rights that the process has now. -1 with errno. */
static int make(struct file *f)
{
    struct stat st;
    if (lstat(f->un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        if (is_in_use(&f->un)) {
            errno = EADDRINUSE;
            return -1;
        }
        if (unlink(f->un.sun_path) && errno != ENOENT)
            return -1;
    }
    f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (f->fd >= 0 && (socket_rights_bind(f->rights, bind_and_listen_unix, f) ||
                       !socket_rights_give(f->un.sun_path, f->gid))) {
        const int error = errno;
        close(f->fd);
        f->fd = -1;
        errno = error;
    }
    return f->fd;
}

/* Makes it with the file rights of uid and gid. */
static int make_as(struct file *f, uid_t uid, gid_t gid)
{
    if (setegid(gid) || seteuid(uid))
        return -1;
    make(f);
    const int error = errno;
    if (seteuid(0) || setegid(getgid()))
        abort();
    errno = error;
    return f->fd;
}

static int make_as_root(struct file *f, const char *user)
{
    const struct passwd *pw = user ? getpwnam(user) : NULL;
    const gid_t own = pw ? pw->pw_gid : getgid(), gid = f->gid == (gid_t)-1 ? own : f->gid;
    if (!pw || pw->pw_uid == 0)
        return make_as(f, 0, gid);
    if (make_as(f, pw->pw_uid, gid) >= 0 || errno != EACCES)
        return f->fd;
    /* That user cannot write to this folder, so cannot put a link in the file's place either. */
    if (make_as(f, 0, gid) >= 0 && lchown(f->un.sun_path, pw->pw_uid, (gid_t)-1)) {
        close(f->fd);
        f->fd = -1;
    }
    return f->fd;
}

static int listen_unix(const char *path, const struct socket_rights *rights, const char *user)
{
    struct file f = {.un = {.sun_family = AF_UNIX}, .rights = rights, .fd = -1};
    g_autofree char *error = NULL;
    if (strlen(path) >= sizeof f.un.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (!socket_rights_gid(rights, &f.gid, &error)) {
        errno = EINVAL; /* sockets_check has told which */
        return -1;
    }
    strcpy(f.un.sun_path, path);
    return geteuid() == 0 ? make_as_root(&f, user) : make(&f);
}

bool sockets_check(const struct settings *s, char **error_r)
{
    gid_t gid;
    bool ok = socket_rights_gid(&s->control_rights, &gid, error_r);
    g_autofree char *where = ok ? NULL : g_strdup("control");
    for (size_t i = 0; i < s->listener_count && ok; i++) {
        ok = socket_rights_gid(&s->listeners[i].rights, &gid, error_r);
        if (!ok)
            where = g_strdup_printf("listener %s", s->listeners[i].name);
    }
    if (!ok) {
        g_autofree char *why = *error_r;
        *error_r = g_strdup_printf("%s: [%s] group: %s", s->file, where, why);
    }
    return ok;
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

int sockets_listen(const struct endpoint *at, const struct socket_rights *rights, const char *user, char **error_r)
{
    int fd = at->path ? listen_unix(at->path, rights, user) : listen_inet(at);
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
