/* sockets: opens listening sockets; compares and checks addresses. */
#ifndef FILTERD_SOCKETS_H
#define FILTERD_SOCKETS_H

#include <glib.h>
#include <stdbool.h>

#include "base/endpoint.h"


/* Returns a listening, non-blocking socket; -1 with *error_r (g_free). A unix socket gets mode 0666: its
 * folder's permissions decide who may connect. A unix socket on which no process listens is replaced. */
int sockets_listen(const struct endpoint *at, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* True if both name the same address. */
bool sockets_same(const struct endpoint *a, const struct endpoint *b);
/* True if the peer is on a unix socket or in one of these networks (CIDR). */
bool sockets_trusted(int fd, char *const *networks);

#endif
