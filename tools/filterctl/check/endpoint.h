/* endpoint: whether what Postfix's settings name is a socket of filterd's, or its next hop. */
#ifndef TOOLS_FILTERCTL_CHECK_ENDPOINT_H
#define TOOLS_FILTERCTL_CHECK_ENDPOINT_H

#include <stdbool.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "tools/filterctl/postconf.h"

/* True if Postfix's "unix:path", "inet:host:port", "[host]:port" or "host:port", maybe in { } and with options behind,
 * means this endpoint. A relative path is below Postfix's queue_directory. */
bool filterctl_endpoint_is(const struct filterctl_postconf *p, const char *value, const struct endpoint *e);
/* The listener that Postfix's "unix:path", "transport:unix:path" or the like means; NULL: none of ours. Lent. */
const struct listener *filterctl_endpoint_listener(const struct filterctl_postconf *p, const struct settings *s, const char *value);
/* Where a service of master.cf ("smtp/inet", "reinject/unix") listens, in these words; g_free. NULL: as neither. */
char *filterctl_endpoint_of_service(const struct filterctl_postconf *p, const char *context);

#endif
