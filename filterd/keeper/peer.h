/* peer: as what the process at the other end of a local socket speaks. */
#ifndef FILTERD_KEEPER_PEER_H
#define FILTERD_KEEPER_PEER_H

#include "base/config/settings.h"

/* Looks up the uids of train_users: the master's, before its children close their sandbox, behind
 * which the keeper finds no name. */
void peer_prepare(const struct settings *s);
/* Its roles (of enum keeper_role, or-ed) by its uid (SO_PEERCRED): root and our own user have all of
 * them, as workers and filterctl cannot be told apart by their uid; train_users are mail users. */
unsigned peer_roles(int fd);

#endif
