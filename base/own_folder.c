/* Makes folders and hands them over by descriptors, never by name. Called by the master and by filterctl init while they are root. */
#include "base/own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder above path, open; -1 with errno. */
static int open_parent(const char *path, mode_t mode)
{
    g_autofree char *parent = g_path_get_dirname(path);
    if (g_mkdir_with_parents(parent, (int)mode))
        return -1;
    return open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* -1 with errno. */
static int open_or_make(int parent, const char *name, mode_t mode, uid_t uid)
{
    const int how = uid == (uid_t)-1 ? O_PATH : O_RDONLY;
    struct stat st;
    if (fstat(parent, &st) || (mkdirat(parent, name, mode) && errno != EEXIST))
        return -1;
    const int no_link = st.st_uid == uid ? O_NOFOLLOW : 0;
    return openat(parent, name, how | O_DIRECTORY | O_CLOEXEC | no_link);
}

static bool give(int fd, uid_t uid, gid_t gid)
{
    struct stat st;
    if (uid == (uid_t)-1)
        return true;
    return fstat(fd, &st) == 0 && ((st.st_uid == uid && st.st_gid == gid) || fchown(fd, uid, gid) == 0);
}

bool own_folder_make(const char *path, mode_t mode, uid_t uid, gid_t gid, char **error_r)
{
    g_autofree char *name = g_path_get_basename(path);
    const int parent = open_parent(path, mode);
    const int fd = parent < 0 ? -1 : open_or_make(parent, name, mode, uid);
    const bool ok = fd >= 0 && give(fd, uid, gid);
    if (!ok)
        *error_r = g_strdup_printf("%s: %s", path,
                                   errno == ELOOP || errno == ENOTDIR ? "is no folder, or a link where there must be none"
                                                                      : g_strerror(errno));
    if (fd >= 0)
        close(fd);
    if (parent >= 0)
        close(parent);
    return ok;
}
