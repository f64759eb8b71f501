/* listener: whether what Postfix's settings name is one of our listeners. */
#ifndef TOOLS_FILTERCTL_CHECK_LISTENER_H
#define TOOLS_FILTERCTL_CHECK_LISTENER_H

#include <stdbool.h>

#include "base/config/settings.h"
#include "base/endpoint.h"

/* True if Postfix's "unix:/path", "inet:host:port", "[host]:port" or "host:port" means this endpoint. */
bool filterctl_listener_is_endpoint(const char *at, const struct endpoint *e);
/* True if it means a listener of ours that speaks this protocol. */
bool filterctl_listener_is(const struct settings *s, enum protocol protocol, const char *at);
/* True if a transport or filter, "transport:nexthop", leads to a listener of ours. */
bool filterctl_listener_is_behind(const struct settings *s, const char *transport);
/* True if one of Postfix's milters is ours, also one with settings of its own ("{unix:/path, ...}"). */
bool filterctl_listener_is_milter(const struct settings *s, const char *milters);

#endif
