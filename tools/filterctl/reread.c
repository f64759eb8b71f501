/* Compares the files of the settings with the daemon's control socket, whose time the master sets whenever it has read
 * them. */
#include "tools/filterctl/reread.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filterd/keeper/keeper.h"

static bool is_newer(const struct stat *file, const struct stat *than)
{
    return file->st_mtim.tv_sec != than->st_mtim.tv_sec ? file->st_mtim.tv_sec > than->st_mtim.tv_sec
                                                        : file->st_mtim.tv_nsec > than->st_mtim.tv_nsec;
}

/* The first that is newer. The folder itself is, if a file in it was taken away. */
static char *newer_file(const char *file, const struct stat *than)
{
    g_autofree char *parent = g_path_get_dirname(file), *folder = g_build_filename(parent, "conf.d", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    struct stat st;
    if (!stat(file, &st) && is_newer(&st, than))
        return g_strdup(file);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (*name != '.' && g_str_has_suffix(name, ".conf") && !stat(path, &st) && is_newer(&st, than))
            return g_steal_pointer(&path);
    }
    return dir && !stat(folder, &st) && is_newer(&st, than) ? g_steal_pointer(&folder) : NULL;
}

char *filterctl_reread_wanted(const struct settings *s)
{
    struct stat read;
    const int fd = keeper_connect(&s->control);
    if (fd < 0)
        return NULL;
    close(fd);
    return s->control.path && !stat(s->control.path, &read) ? newer_file(s->file, &read) : NULL;
}
