/* Mode and group of unix sockets. Called by sockets.c, and after a reload for sockets that are kept. */
#include "base/socket_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

mode_t socket_rights_mode(const struct socket_rights *r)
{
    static const mode_t modes[] = {0, 0600, 0660, 0666};
    if (r->users)
        return 0600;
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

static void add_entry(GByteArray *list, unsigned tag, unsigned rights, uid_t uid)
{
    const struct posix_acl_xattr_entry e = {GUINT16_TO_LE((guint16)tag), GUINT16_TO_LE((guint16)rights), GUINT32_TO_LE(uid)};
    g_byte_array_append(list, (const guint8 *)&e, sizeof e);
}

static bool set_list(const char *path, const GArray *users)
{
    const struct posix_acl_xattr_header head = {GUINT32_TO_LE(POSIX_ACL_XATTR_VERSION)};
    GByteArray *list = g_byte_array_new();
    g_byte_array_append(list, (const guint8 *)&head, sizeof head);
    add_entry(list, ACL_USER_OBJ, ACL_READ | ACL_WRITE, (uid_t)ACL_UNDEFINED_ID);
    for (guint i = 0; i < users->len; i++)
        add_entry(list, ACL_USER, ACL_READ | ACL_WRITE, g_array_index(users, uid_t, i));
    add_entry(list, ACL_GROUP_OBJ, 0, (uid_t)ACL_UNDEFINED_ID);
    add_entry(list, ACL_MASK, ACL_READ | ACL_WRITE, (uid_t)ACL_UNDEFINED_ID);
    add_entry(list, ACL_OTHER, 0, (uid_t)ACL_UNDEFINED_ID);
    const bool ok = lsetxattr(path, "system.posix_acl_access", list->data, list->len, 0) == 0;
    const int error = errno;
    g_byte_array_unref(list);
    errno = error;
    return ok;
}

bool socket_rights_admit(const char *path, const GArray *users)
{
    return set_list(path, users) ||
           (errno == EOPNOTSUPP && fchmodat(AT_FDCWD, path, 0666, AT_SYMLINK_NOFOLLOW) == 0);
}
