/* network: addresses and the networks they lie in. */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>

/* True if the address (text; "::ffff:192.0.2.1" is 192.0.2.1) lies in one of the networks (CIDR,
 * NULL-terminated; NULL is none). */
bool network_contains(char *const *networks, const char *address);

#endif
