/* resolver_servers: the name servers to ask. */
#ifndef BASE_DNS_RESOLVER_SERVERS_H
#define BASE_DNS_RESOLVER_SERVERS_H

#include <glib.h>
#include <sys/socket.h>

struct resolver_server {
    struct sockaddr_storage at;
    socklen_t len;
};

enum { RESOLVER_SERVERS_MAX = 3 }; /* as many as resolv.conf may name (resolv.conf(5)) */

/* The server at HOST, a numeric address, and PORT (NULL: 53); with HOST NULL the servers of resolv.conf in
 * their order (127.0.0.1 if it names none). An array of at least one struct resolver_server, g_array_unref it;
 * NULL if HOST is no address. */
GArray *resolver_servers(const char *host, const char *port);

#endif
