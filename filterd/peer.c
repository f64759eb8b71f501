#include "filterd/peer.h"

#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_user(const char *name, uid_t uid)
{
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    if (*name && !*end)
        return number == uid;
    struct passwd *pw = getpwnam(name);
    return pw && pw->pw_uid == uid;
}

enum peer_rights peer_rights(int fd, const struct settings *s)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
        return PEER_NOTHING;
    if (peer.uid == 0 || peer.uid == geteuid())
        return PEER_ALL;
    for (size_t i = 0; s->train_users && s->train_users[i]; i++)
        if (is_user(s->train_users[i], peer.uid))
            return PEER_TRAINS;
    return PEER_NOTHING;
}
