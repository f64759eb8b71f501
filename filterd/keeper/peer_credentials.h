/* peer_credentials: the roles of the process at the other end of a local socket. */
#ifndef FILTERD_KEEPER_PEER_CREDENTIALS_H
#define FILTERD_KEEPER_PEER_CREDENTIALS_H

#include "base/config/settings.h"

/* Looks up the uids of train_users. The master calls it before its children enter their sandbox, where the
 * keeper cannot look up names. */
void peer_credentials_prepare(const struct settings *s);
/* The peer's roles (of enum keeper_role, or-ed) by its uid (SO_PEERCRED). root and our own user have all roles,
 * as workers and filterctl cannot be told apart by uid; train_users have KEEPER_MAIL_USER. */
unsigned peer_credentials_roles(int fd);

#endif
