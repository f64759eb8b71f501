/* network: is a client's address in a list of networks, and which network is it in? */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

/* True if address (text; "::ffff:192.0.2.1" counts as 192.0.2.1) is in one of the networks (CIDR, a
 * NULL-terminated list; NULL is an empty one). */
bool network_contains(char *const *networks, const char *address);

#define NETWORK_BYTES 9
/* The network that one sender's machines stand in: /24, or /64 for IPv6, with a byte for the kind in front. Returns
 * its bytes, at most NETWORK_BYTES; 0: the text is no address. */
size_t network_of(const char *address, unsigned char *out);

#endif
