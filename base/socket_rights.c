/* Mode and group of unix sockets. Called by sockets.c, and after a reload for sockets that are kept. */
#include "base/socket_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

mode_t socket_rights_mode(const struct socket_rights *r)
{
    static const mode_t modes[] = {0, 0600, 0660, 0666};
    if (r->mode == SOCKET_RIGHTS_UNSET)
        return r->group ? 0660 : 0666;
    return modes[r->mode];
}

bool socket_rights_gid(const struct socket_rights *r, gid_t *gid_r, char **error_r)
{
    const struct group *g = r->group ? getgrnam(r->group) : NULL;
    *gid_r = g ? g->gr_gid : (gid_t)-1;
    if (!r->group || g)
        return true;
    *error_r = g_strdup_printf("no group %s", r->group);
    return false;
}

int socket_rights_bind(const struct socket_rights *r, int (*bind)(void *arg), void *arg)
{
    const mode_t before = umask(0777 & ~socket_rights_mode(r));
    const int rc = bind(arg);
    const int error = errno;
    umask(before);
    errno = error;
    return rc;
}

bool socket_rights_same(const struct socket_rights *a, const struct socket_rights *b)
{
    return socket_rights_mode(a) == socket_rights_mode(b) && !g_strcmp0(a->group, b->group);
}

bool socket_rights_change(const char *path, const struct socket_rights *r)
{
    g_autofree char *error = NULL;
    gid_t gid;
    return socket_rights_gid(r, &gid, &error) && socket_rights_give(path, gid) &&
           fchmodat(AT_FDCWD, path, socket_rights_mode(r), AT_SYMLINK_NOFOLLOW) == 0;
}

bool socket_rights_give(const char *path, gid_t gid)
{
    struct stat st;
    if (gid == (gid_t)-1)
        return true;
    return lstat(path, &st) == 0 && (st.st_gid == gid || lchown(path, (uid_t)-1, gid) == 0);
}
