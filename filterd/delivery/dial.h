/* dial: opens a connection to a next hop. */
#ifndef FILTERD_DELIVERY_DIAL_H
#define FILTERD_DELIVERY_DIAL_H

#include "base/endpoint.h"


/* Tries the addresses of a host in turn; timeout_ms is for the lookup and all of them together. Returns a
 * blocking socket, or -1; a name without an address is logged. */
int dial(const struct endpoint *at, int timeout_ms);

#endif
