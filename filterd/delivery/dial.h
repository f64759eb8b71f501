/* dial: a connection to a next hop. */
#ifndef FILTERD_DELIVERY_DIAL_H
#define FILTERD_DELIVERY_DIAL_H

#include "base/endpoint.h"


/* Tries the addresses of a named host in turn, timeout_ms for the name and all of them together. A
 * blocking socket, or -1; that a name has no address is logged. */
int dial(const struct endpoint *at, int timeout_ms);

#endif
