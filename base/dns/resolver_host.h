/* resolver_host: the addresses of a host as the system resolves it, within a deadline, which getaddrinfo does
 * not have. */
#ifndef BASE_DNS_RESOLVER_HOST_H
#define BASE_DNS_RESOLVER_HOST_H

#include <glib.h>
#include <sys/socket.h>

struct resolver_host_address {
    struct sockaddr_storage at;
    socklen_t len;
};

/* Resolves host (a numeric address or a name) and port: from /etc/hosts, else through the name servers and
 * search domains of resolv.conf, best address first. Reads both files each time. Waits timeout_ms at most.
 * Never NULL, g_array_unref it; if there is no address it is empty, and *why_r says why (static text). */
GArray *resolver_host(const char *host, const char *port, int timeout_ms, const char **why_r);

#endif
