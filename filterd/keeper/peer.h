/* peer: what the process at the other end of a local socket may ask for. */
#ifndef FILTERD_KEEPER_PEER_H
#define FILTERD_KEEPER_PEER_H

#include "base/config/settings.h"

enum peer_rights { PEER_NOTHING = 0, PEER_TRAINS, PEER_ALL };

/* Looks up the uids of train_users: the master's, before its children close their sandbox, behind
 * which the keeper finds no name. */
void peer_prepare(const struct settings *s);
/* By its uid (SO_PEERCRED): root and our own user may all, train_users may train. */
enum peer_rights peer_rights(int fd);

#endif
