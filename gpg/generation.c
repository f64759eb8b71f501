/* Makes, commits and removes key generations. Called by keyring_import.c, which runs in filterctl and in
 * the importer. */
#include "gpg/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config/users.h"
#include "gpg/column_key.h"
#include "gpg/key_card.h"
#include "gpg/keyring.h"
#include "gpg/ring.h"

static bool fails(char **error_r, const char *path)
{
    *error_r = g_strdup_printf("%s: %s", path, g_strerror(errno));
    return false;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct stat owner_stat; /* global, because nftw passes no argument to its callback */

/* By descriptor: the daemon's user owns the folder, and could put a link to a file of root's in place of the name. */
static bool give(int fd, const struct stat *st)
{
    struct stat now;
    if (fstat(fd, &now))
        return false;
    if (now.st_dev != st->st_dev || now.st_ino != st->st_ino || (S_ISREG(now.st_mode) && now.st_nlink > 1)) {
        errno = ESTALE;
        return false;
    }
    if (geteuid() == 0 && fchownat(fd, "", owner_stat.st_uid, owner_stat.st_gid, AT_EMPTY_PATH))
        return false;
    return !(S_ISREG(now.st_mode) || S_ISDIR(now.st_mode)) || fchmod(fd, S_ISREG(now.st_mode) ? 0640 : 0750) == 0;
}

/* Gives a file to the daemon's user: filterctl may run as root. */
static int hand_over(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    const bool opens = kind != FTW_SL && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));
    const int fd = open(path, (opens ? O_RDONLY | O_NONBLOCK : O_PATH) | O_NOFOLLOW | O_CLOEXEC);
    const bool ok = fd >= 0 && give(fd, st);
    const int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return ok ? 0 : -1;
}

static bool hand_over_tree(const char *state_dir, const char *path, char **error_r)
{
    if (stat(state_dir, &owner_stat))
        return fails(error_r, state_dir);
    return nftw(path, hand_over, 16, FTW_PHYS) == 0 || fails(error_r, path);
}

static int sync_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    int fd = kind == FTW_SL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    return 0;
}

static void sync_tree(const char *path)
{
    nftw(path, sync_one, 16, FTW_PHYS);
}

/* Of the process, not flock: the importer may lock no file that it cannot write, and the kernel names who holds it. Nobody
 * here opens the file a second time, which would end the lock. */
static bool lock_whole(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc;
    do
        rc = fcntl(fd, F_SETLKW, &lock);
    while (rc && errno == EINTR);
    return rc == 0;
}

static bool take_lock(struct generation *g, const char *keys, char **error_r)
{
    if (mkdir(keys, 0750) == 0) {
        if (!hand_over_tree(g->state_dir, keys, error_r))
            return false;
    } else if (errno != EEXIST) {
        return fails(error_r, errno == ENOENT ? g->state_dir : keys);
    }
    g_autofree char *path = g_build_filename(keys, ".lock", NULL);
    g->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (g->lock_fd < 0 || !hand_over_tree(g->state_dir, path, error_r))
        return *error_r ? false : fails(error_r, path);
    return lock_whole(g->lock_fd) || fails(error_r, path);
}

/* Removes what killed runs left behind. This process holds the lock, so nobody is using it. */
static void sweep(const char *keys)
{
    GDir *dir = g_dir_open(keys, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(keys, name, NULL);
        if (g_str_has_prefix(name, ".new-") || g_str_has_prefix(name, ".old-"))
            remove_tree(path);
    }
    if (dir)
        g_dir_close(dir);
}

static bool make_home(struct generation *g, const char *keys, char **error_r)
{
    g->made = g_build_filename(keys, ".new-XXXXXX", NULL);
    if (!mkdtemp(g->made)) {
        fails(error_r, g->made);
        g_clear_pointer(&g->made, g_free);
        return false;
    }
    g->home = g_build_filename(g->made, "gen-1", NULL);
    return mkdir(g->home, 0700) == 0 || fails(error_r, g->home);
}

struct generation *generation_begin(const char *state_dir, const char *user, char **error_r)
{
    struct generation *g = g_new0(struct generation, 1);
    g_autofree char *keys = g_build_filename(state_dir, "keys", NULL);
    g->state_dir = g_strdup(state_dir);
    g->user = g_strdup(user);
    g->lock_fd = -1;
    bool ok = take_lock(g, keys, error_r);
    if (ok) {
        sweep(keys);
        enum keyring_state state = keyring_current(state_dir, user, &g->old);
        g->replaces = state != KEYRING_NONE;
        ok = make_home(g, keys, error_r);
    }
    if (!ok)
        generation_end(&g);
    return g;
}

void generation_end(struct generation **g)
{
    if (!*g)
        return;
    if ((*g)->made)
        remove_tree((*g)->made);
    if ((*g)->lock_fd >= 0)
        close((*g)->lock_fd);
    g_free((*g)->made);
    g_free((*g)->home);
    g_free((*g)->state_dir);
    g_free((*g)->user);
    g_free((*g)->old);
    g_clear_pointer(g, g_free);
}

/* ---- commit ---- */

/* Removes the files that gpg leaves in a home and that are not needed. */
static void tidy(const char *home)
{
    GDir *dir = g_dir_open(home, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(home, name, NULL);
        if (!g_str_has_suffix(name, ".pgp") && !ring_is(name) && strcmp(name, "gpg.conf") &&
            strcmp(name, "pubring.kbx") && strcmp(name, "address") && strcmp(name, COLUMN_KEY_FILE) &&
            strcmp(name, KEY_CARD_FILE))
            remove_tree(path);
    }
    if (dir)
        g_dir_close(dir);
}

static unsigned long number_of(const char *name)
{
    return g_str_has_prefix(name, "gen-") ? strtoul(name + 4, NULL, 10) : 0;
}

static unsigned long highest_in(const char *dir_path)
{
    unsigned long highest = 0;
    GDir *dir = g_dir_open(dir_path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        highest = MAX(highest, number_of(name));
    if (dir)
        g_dir_close(dir);
    return highest;
}

/* Removes generations older than this one. The previous one stays: readers may still be using it. */
static void remove_older(const char *dir_path, unsigned long than)
{
    GDir *dir = g_dir_open(dir_path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(dir_path, name, NULL);
        unsigned long number = number_of(name);
        if (number && number < than)
            remove_tree(path);
    }
    if (dir)
        g_dir_close(dir);
}

/* Makes a new link and renames it over the old one, so that `current` exists at every moment. */
static bool set_link(struct generation *g, const char *dir, const char *target, char **error_r)
{
    g_autofree char *link = g_build_filename(dir, "current", NULL);
    g_autofree char *next = g_build_filename(dir, ".next", NULL);
    unlink(next);
    if (symlink(target, next))
        return fails(error_r, next);
    if (!hand_over_tree(g->state_dir, next, error_r))
        return false;
    return rename(next, link) == 0 || fails(error_r, link);
}

/* Commits a user's first generation: moves it into place together with its folder and its link, so a folder
 * without a link is never just an unfinished one. */
static bool commit_first(struct generation *g, const char *dir, char **error_r)
{
    if (!set_link(g, g->made, "gen-1", error_r) || !hand_over_tree(g->state_dir, g->made, error_r))
        return false;
    sync_tree(g->made);
    if (rename(g->made, dir))
        return fails(error_r, dir);
    g_clear_pointer(&g->made, g_free);
    return true;
}

static bool commit_next(struct generation *g, const char *dir, char **error_r)
{
    unsigned long number = highest_in(dir) + 1;
    g_autofree char *name = g_strdup_printf("gen-%lu", number);
    g_autofree char *path = g_build_filename(dir, name, NULL);
    if (!hand_over_tree(g->state_dir, g->home, error_r))
        return false;
    sync_tree(g->home);
    if (rename(g->home, path))
        return fails(error_r, path);
    if (!set_link(g, dir, name, error_r))
        return false;
    remove_older(dir, number - 1);
    return true;
}

bool generation_commit(struct generation *g, char **error_r)
{
    GError *error = NULL;
    g_autofree char *dir = users_key_dir(g->state_dir, g->user);
    g_autofree char *keys = g_path_get_dirname(dir);
    g_autofree char *whose = g_build_filename(g->home, "address", NULL);
    g_autofree char *line = g_strdup_printf("%s\n", g->user);
    tidy(g->home);
    if (!g_file_set_contents(whose, line, -1, &error)) {
        *error_r = g_strdup(error->message);
        g_error_free(error);
        return false;
    }
    bool ok = g->replaces ? commit_next(g, dir, error_r) : commit_first(g, dir, error_r);
    sync_one(dir, NULL, FTW_D, NULL);
    sync_one(keys, NULL, FTW_D, NULL);
    return ok;
}

bool generation_remove_user(struct generation *g, char **error_r)
{
    g_autofree char *dir = users_key_dir(g->state_dir, g->user);
    g_autofree char *keys = g_path_get_dirname(dir);
    g_autofree char *away = g_strconcat(g->made, "/gone", NULL);
    if (rename(dir, away))
        return fails(error_r, dir);
    sync_one(keys, NULL, FTW_D, NULL);
    return true;
}
