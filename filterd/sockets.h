/* sockets: opens listening sockets; compares and checks addresses. */
#ifndef FILTERD_SOCKETS_H
#define FILTERD_SOCKETS_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "base/socket_rights.h"

/* Returns a listening, non-blocking socket; -1 with *error_r (g_free). A unix socket on which no process listens
 * is replaced. Root makes a unix socket as user (may be NULL), whose file it then is; only in a folder where user
 * may not as root, and hands it over. */
int sockets_listen(const struct endpoint *at, const struct socket_rights *rights, const char *user,
                   char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* The same for a unix socket of packets (SOCK_SEQPACKET) that is filterd's alone. */
int sockets_listen_packets(const struct endpoint *at, const char *user, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* False with *error_r (g_free): the settings name a group that does not exist. */
bool sockets_check(const struct settings *s, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* True if both name the same address. */
bool sockets_same(const struct endpoint *a, const struct endpoint *b);
/* True if the peer is on a unix socket or in one of these networks (CIDR). */
bool sockets_trusted(int fd, char *const *networks);

#endif
