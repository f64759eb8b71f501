/* socket_rights: who may connect to a unix socket of ours, beside what its folder's permissions say. */
#ifndef BASE_SOCKET_RIGHTS_H
#define BASE_SOCKET_RIGHTS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* As words of the settings, in the order of the enum. */
#define SOCKET_RIGHTS_MODES "0600|0660|0666"

struct socket_rights {
    enum { SOCKET_RIGHTS_UNSET, SOCKET_RIGHTS_OWNER, SOCKET_RIGHTS_GROUP, SOCKET_RIGHTS_ALL } mode;
    char *group; /* NULL: that of the process, or of a folder with the set-group-ID bit */
    const GArray *users; /* of uid_t, lent: mode and group do not count, its owner and these may connect; NULL: they do */
};

/* Unset it is 0660 with a group, else 0666. */
mode_t socket_rights_mode(const struct socket_rights *r);
/* *gid_r is -1 if no group is set. False with *error_r (g_free): there is no such group. */
bool socket_rights_gid(const struct socket_rights *r, gid_t *gid_r, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Binds a socket so that its file has these rights from the beginning: bind is told by its return value, as
 * bind(2). The process must have a single thread. */
int socket_rights_bind(const struct socket_rights *r, int (*bind)(void *arg), void *arg);
/* Gives the file at path this group, if it has another; -1: none. For who may do that without being root: in a
 * folder of another user's a name may lead elsewhere. False with errno. */
bool socket_rights_give(const char *path, gid_t gid);
/* Gives a file that is there already these rights, instead of others. For its owner, who is not root. */
bool socket_rights_change(const char *path, const struct socket_rights *r);
/* Lets only its owner and these users (of uid_t) connect to it, by a list of rights (acl(5)); everybody, where the file
 * system has no such lists. For its owner. False with errno. */
bool socket_rights_admit(const char *path, const GArray *users);
bool socket_rights_same(const struct socket_rights *a, const struct socket_rights *b);

#endif
