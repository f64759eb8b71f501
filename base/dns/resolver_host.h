/* resolver_host: the addresses of a host, as the system finds them, but never for longer than the one
 * who asks can wait (getaddrinfo knows no deadline). */
#ifndef BASE_DNS_RESOLVER_HOST_H
#define BASE_DNS_RESOLVER_HOST_H

#include <glib.h>
#include <sys/socket.h>

struct resolver_host_address {
    struct sockaddr_storage at;
    socklen_t len;
};

/* Of the host (a number or a name) and port: of /etc/hosts, else of the name servers and search domains
 * of resolv.conf, best first. Both files are read each time. Waits for timeout_ms at most. Never NULL,
 * g_array_unref it; empty, with *why_r (static text), if there is none. */
GArray *resolver_host(const char *host, const char *port, int timeout_ms, const char **why_r);

#endif
