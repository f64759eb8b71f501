/* filterctl check: whether the running daemon takes connections on every listener. Called by check.c. */
#include <errno.h>
#include <glib.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"

/* These return 0, or errno. Binding to the listener's own address first keeps the connection on this host:
 * an address that the host lacks fails at once. A full backlog (EAGAIN) counts as listening, too. */
static int try_address(const struct sockaddr *sa, socklen_t len, const struct sockaddr *from)
{
    const int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    const bool there = (!from || !bind(fd, from, len)) &&
                       (!connect(fd, sa, len) || errno == EINPROGRESS || errno == EAGAIN);
    const int failed = there ? 0 : errno;
    close(fd);
    return failed;
}

/* Binds to the same address, with any free port, before it connects. */
static int try_from(const struct addrinfo *a)
{
    struct sockaddr_storage from = {0};
    memcpy(&from, a->ai_addr, a->ai_addrlen);
    if (a->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)&from)->sin6_port = 0;
    else
        ((struct sockaddr_in *)&from)->sin_port = 0;
    return try_address(a->ai_addr, a->ai_addrlen, (struct sockaddr *)&from);
}

static int try_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof un.sun_path)
        return ENAMETOOLONG;
    strcpy(un.sun_path, path);
    return try_address((struct sockaddr *)&un, sizeof un, NULL);
}

/* Tries all addresses of the name: the daemon listens on the first one that it could bind. */
static int try_inet(const struct endpoint *at)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    int failed = EADDRNOTAVAIL;
    if (getaddrinfo(at->host, at->port, &hints, &list))
        return failed;
    for (struct addrinfo *a = list; a && failed; a = a->ai_next)
        failed = try_from(a);
    freeaddrinfo(list);
    return failed;
}

static char *name_of(const struct endpoint *at)
{
    return at->path ? g_strdup_printf("unix:%s", at->path)
                    : g_strdup_printf("inet:%s:%s", at->host, at->port);
}

/* True if the listener takes connections; else tells why not. */
static bool look_at(struct filterctl_check *c, const struct listener *l)
{
    const int failed = l->at.path ? try_unix(l->at.path) : try_inet(&l->at);
    g_autofree char *subject = g_strdup_printf("listener %s", l->name);
    g_autofree char *name = name_of(&l->at);
    if (failed)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, subject,
                             "%s takes no connections (%s): the daemon's log says why", name,
                             g_strerror(failed));
    return !failed;
}

void filterctl_check_listeners(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    size_t good = 0;
    if (!s->listener_count)
        return;
    const int failed = s->control.path ? try_unix(s->control.path) : try_inet(&s->control);
    if (failed) {
        g_autofree char *name = name_of(&s->control);
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "listeners",
                             "not looked at: no daemon on %s (%s)", name, g_strerror(failed));
        return;
    }
    for (size_t i = 0; i < s->listener_count; i++)
        good += look_at(c, &s->listeners[i]);
    if (good == s->listener_count)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "listeners", "all %zu take connections", good);
}
