/* Takes the message of "check --prove" out of the mailbox again. Called by prove.c. */
#include <dirent.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/filterctl/check/prove.h"

static bool is_seen(const struct filterctl_sighting *s, int folder, const char *name)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && s->inode == st.st_ino &&
           s->device == st.st_dev;
}

/* Removes the file that was seen, under any name in this folder, and only that. Whoever may write to the
 * mailbox may have replaced a folder by a link since: inode and device must be the same. */
static bool remove_in(const struct filterctl_sighting *s, int at, const char *folder)
{
    bool removed = false;
    const int fd = openat(at, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0)
        close(fd);
    for (struct dirent *e; dir && !removed && (e = readdir(dir));)
        /* a file of a maildir holds this one message only */
        removed = e->d_ino == s->inode && is_seen(s, fd, e->d_name) && unlinkat(fd, e->d_name, 0) == 0;
    if (dir)
        closedir(dir);
    return removed;
}

static bool remove_in_mailbox(const struct filterctl_sighting *s, int at, const char *mailbox)
{
    const int fd = openat(at, mailbox, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const bool removed = fd >= 0 && (remove_in(s, fd, "new") || remove_in(s, fd, "cur"));
    if (fd >= 0)
        close(fd);
    return removed;
}

/* The file was seen in tmp, new or cur of a mailbox; meanwhile Dovecot, or a user's mail program, may have
 * moved it to new or cur of this one or of another mailbox of the same Maildir++. */
bool filterctl_prove_remove(const struct filterctl_sighting *s)
{
    g_autofree char *folder = g_path_get_dirname(s->path);
    g_autofree char *mailbox = g_path_get_dirname(folder);
    if (!g_str_has_suffix(folder, "/new") && !g_str_has_suffix(folder, "/cur") && !g_str_has_suffix(folder, "/tmp"))
        return false;
    if (remove_in_mailbox(s, AT_FDCWD, mailbox))
        return true;
    const char *name = strrchr(mailbox, '/');
    g_autofree char *root = name && name[1] == '.' ? g_path_get_dirname(mailbox) : g_strdup(mailbox);
    bool removed = remove_in_mailbox(s, AT_FDCWD, root);
    DIR *dir = removed ? NULL : opendir(root);
    for (struct dirent *e; dir && !removed && (e = readdir(dir));)
        removed = e->d_name[0] == '.' && e->d_name[1] && strcmp(e->d_name, "..") != 0 &&
                  remove_in_mailbox(s, dirfd(dir), e->d_name);
    if (dir)
        closedir(dir);
    return removed;
}

bool filterctl_prove_expunge(const char *user, const char *id)
{
    g_autofree char *program = g_find_program_in_path("doveadm");
    g_autofree char *field = g_strdup_printf("<%s@filterctl.prove>", id);
    char *argv[] = {program, (char *)"expunge", (char *)"-u", (char *)user, (char *)"mailbox", (char *)"*",
                    (char *)"HEADER", (char *)"Message-ID", field, NULL};
    int status = 0;
    return program &&
           g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                        NULL, &status, NULL) &&
           g_spawn_check_wait_status(status, NULL);
}
