/* sockets: listening sockets, kept over a reload as long as their address stays. */
#ifndef FILTERD_SOCKETS_H
#define FILTERD_SOCKETS_H

#include <stdbool.h>

#include "base/endpoint.h"


/* A listening, non-blocking socket; -1 with *error_r (g_free). A unix socket is made with mode
 * 0666, as its folder is what restricts it; one that nobody listens on is replaced. */
int sockets_listen(const struct endpoint *at, char **error_r);
/* True if both name the same address. */
bool sockets_same(const struct endpoint *a, const struct endpoint *b);
/* True if the peer of a connection is on a unix socket or in one of these networks (CIDR). */
bool sockets_trusted(int fd, char *const *networks);

#endif
