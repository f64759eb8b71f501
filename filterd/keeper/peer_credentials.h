/* peer_credentials: the roles of the process at the other end of a local socket. */
#ifndef FILTERD_KEEPER_PEER_CREDENTIALS_H
#define FILTERD_KEEPER_PEER_CREDENTIALS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/config/settings.h"

/* Which socket a peer came through. */
enum peer_door {
    PEER_AT_CONTROL, /* filterctl and filterd-retrain */
    PEER_AT_WORKERS, /* workers and milter processes, where they ask the keeper or each other */
    PEER_AT_LEARN,   /* filterd-retrain, with a message's text */
};

struct peer {
    uid_t uid;
    unsigned roles;          /* of enum keeper_role, or-ed */
    bool may_prove;          /* has our uid, as captured workers have: see peer_credentials_proves */
    const GPtrArray *domains; /* of char*, lent: a mail user trains users of these only; NULL: all */
};

/* Looks up the uids of train_users. The master calls it before its children enter their sandbox, where the
 * keeper cannot look up names. */
void peer_credentials_prepare(const struct settings *s);
/* The uids of train_users (uid_t), as looked up. */
GArray *peer_credentials_trainers(void);
/* The peer by its uid (SO_PEERCRED): root and train_users have the roles that their door has for them; our own
 * uid is a worker at the workers' door, and nobody at the others. */
struct peer peer_credentials_of(int fd, enum peer_door door);
/* True if the peer, which handed this descriptor over, has opened the file of lock_fd for writing. It is then
 * no worker, as Landlock forbids them that; without Landlock it proves nothing, and is never true. */
bool peer_credentials_proves(int descriptor, int lock_fd);
/* True if this descriptor is of the importer's end of its line, which no other process of ours can hand over. */
bool peer_credentials_is_importer(int descriptor, const struct stat *line);
/* True if a mail user may train this user. */
bool peer_credentials_may_train(const struct peer *p, const char *user);

#endif
