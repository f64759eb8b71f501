/* Roles by SO_PEERCRED. Called by master.c, keeper_process.c, learn_session.c and milter_session.c. */
#include "filterd/keeper/peer_credentials.h"

#include <glib.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/keeper/keeper_role.h"

static GArray *trainers; /* of uid_t */

static void add_trainer(const char *name)
{
    char *end;
    const unsigned long number = strtoul(name, &end, 10);
    const struct passwd *pw = *name && !*end ? NULL : getpwnam(name);
    const uid_t uid = pw ? pw->pw_uid : (uid_t)number;
    if (pw || (*name && !*end))
        g_array_append_val(trainers, uid);
    else
        log_warn("train_users: no such user: %s", name);
}

void peer_credentials_prepare(const struct settings *s)
{
    if (trainers)
        g_array_unref(trainers);
    trainers = g_array_new(FALSE, FALSE, sizeof(uid_t));
    for (size_t i = 0; s->train_users && s->train_users[i]; i++)
        add_trainer(s->train_users[i]);
}

unsigned peer_credentials_roles(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
        return KEEPER_NOBODY;
    if (peer.uid == 0 || peer.uid == geteuid())
        return KEEPER_ALL_ROLES;
    for (guint i = 0; trainers && i < trainers->len; i++)
        if (g_array_index(trainers, uid_t, i) == peer.uid)
            return KEEPER_MAIL_USER;
    return KEEPER_NOBODY;
}
