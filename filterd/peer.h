/* peer: what the process at the other end of a local socket may ask for. */
#ifndef FILTERD_PEER_H
#define FILTERD_PEER_H

#include "base/settings.h"

enum peer_rights { PEER_NOTHING = 0, PEER_TRAINS, PEER_ALL };

/* By its uid (SO_PEERCRED): root and our own user may all, train_users may train. */
enum peer_rights peer_rights(int fd, const struct settings *s);

#endif
