/* network: is a client's address in a list of networks? */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>

/* True if address (text; "::ffff:192.0.2.1" counts as 192.0.2.1) is in one of the networks (CIDR, a
 * NULL-terminated list; NULL is an empty one). */
bool network_contains(char *const *networks, const char *address);

#endif
