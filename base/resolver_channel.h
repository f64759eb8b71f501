/* resolver_channel: what the resolver's files share of c-ares; nobody else includes it. */
#ifndef BASE_RESOLVER_CHANNEL_H
#define BASE_RESOLVER_CHANNEL_H

#include <ares.h>
#include <stdbool.h>

/* Waits once, ms at most, for the channel's sockets or fd (-1: none), and takes what came. True if fd
 * is readable. */
bool resolver_channel_wait(ares_channel channel, int fd, int ms);

#endif
