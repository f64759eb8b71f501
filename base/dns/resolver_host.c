/* Resolves host names of next hops through c-ares. Called by dial.c and filterctl check. */
#include "base/dns/resolver_host.h"

#include <ares.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

/* c-ares asks every server once per try and doubles the wait from try to try: with an eighth of the time for
 * the first try, three tries fit. */
enum { TRIES = 3, SHARES = 8 };

struct search {
    GArray *found;
    GArray *fds; /* of struct pollfd: the sockets c-ares has open */
    bool done;
    int status;
};

static void add_address(GArray *found, const struct sockaddr *at, socklen_t len)
{
    struct resolver_host_address a = {.len = len};
    if (len > sizeof a.at)
        return;
    memcpy(&a.at, at, len);
    g_array_append_val(found, a);
}

/* Adds host if it is a numeric address; false if it is a name. */
static bool add_number(GArray *found, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    if (getaddrinfo(host, port, &hints, &list))
        return false;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        add_address(found, a->ai_addr, a->ai_addrlen);
    freeaddrinfo(list);
    return true;
}

static void on_found(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct search *s = arg;
    (void)timeouts;
    s->done = true;
    s->status = status;
    for (const struct ares_addrinfo_node *a = result ? result->nodes : NULL; a; a = a->ai_next)
        add_address(s->found, a->ai_addr, (socklen_t)a->ai_addrlen);
    ares_freeaddrinfo(result);
}

/* Called by c-ares for each of its sockets, with the events it waits for; neither of them: it closes the
 * socket. */
static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct search *s = arg;
    const short events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    const struct pollfd p = {.fd = fd, .events = events};
    for (guint i = 0; i < s->fds->len; i++)
        if (g_array_index(s->fds, struct pollfd, i).fd == fd) {
            g_array_remove_index_fast(s->fds, i);
            break;
        }
    if (events)
        g_array_append_val(s->fds, p);
}

static void wait_once(ares_channel channel, const struct search *s, int ms)
{
    g_autofree struct pollfd *p = g_memdup2(s->fds->data, s->fds->len * sizeof *p);
    const guint n = s->fds->len;
    if (poll(p, n, ms) < 0)
        return;
    for (guint i = 0; i < n; i++)
        if (p[i].revents)
            ares_process_fd(channel, p[i].revents & ~POLLOUT ? p[i].fd : ARES_SOCKET_BAD,
                            p[i].revents & POLLOUT ? p[i].fd : ARES_SOCKET_BAD);
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* timeouts */
}

static void wait_for(ares_channel channel, const struct search *s, gint64 end)
{
    struct timeval due;
    for (gint64 left; !s->done && (left = end - g_get_monotonic_time()) > 0;) {
        struct timeval max = {left / G_USEC_PER_SEC, left % G_USEC_PER_SEC};
        const struct timeval *t = ares_timeout(channel, &max, &due);
        wait_once(channel, s, (int)(t->tv_sec * 1000 + t->tv_usec / 1000 + 1));
    }
}

/* Overrides the timeouts of resolv.conf: the caller has only timeout_ms. */
static void look_up(struct search *s, const char *host, const char *port, int timeout_ms)
{
    const gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    const struct ares_addrinfo_hints hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC,
                                              .ai_flags = ARES_AI_NUMERICSERV};
    struct ares_options o = {.timeout = MAX(timeout_ms / SHARES, 1), .tries = TRIES,
                             .sock_state_cb = on_socket, .sock_state_cb_data = s};
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    ares_channel channel = NULL;
    s->fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    ares_library_init(ARES_LIB_INIT_ALL); /* counts its calls; cannot fail on Linux */
    s->status = ares_init_options(&channel, &o, mask);
    if (s->status == ARES_SUCCESS) {
        ares_getaddrinfo(channel, host, port, &hints, on_found, s);
        wait_for(channel, s, end);
        ares_destroy(channel); /* calls on_found with ARES_EDESTRUCTION if no answer has come */
    }
    g_array_unref(s->fds);
    ares_library_cleanup();
}

GArray *resolver_host(const char *host, const char *port, int timeout_ms, const char **why_r)
{
    struct search s = {.found = g_array_new(FALSE, FALSE, sizeof(struct resolver_host_address))};
    *why_r = "no address";
    if (add_number(s.found, host, port))
        return s.found;
    look_up(&s, host, port, timeout_ms);
    if (s.status == ARES_EDESTRUCTION || s.status == ARES_ETIMEOUT)
        *why_r = "no name server answers";
    else if (s.status != ARES_SUCCESS)
        *why_r = ares_strerror(s.status);
    return s.found;
}
