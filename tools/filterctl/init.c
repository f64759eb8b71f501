/* filterctl init: makes the site key and an empty state, or gives an id to what is there. Called by filterctl.c; no
 * other command, nor the daemon, makes a state. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config/state.h"
#include "base/log.h"
#include "base/own_folder.h"
#include "base/sitekey.h"
#include "tools/filterctl/filterctl.h"

static bool fails(char **error_r, const char *path)
{
    *error_r = g_strdup_printf("%s: %s", path, g_strerror(errno));
    return false;
}

/* The daemon's user, if we are root. False: there is no such user. */
static bool find_user(const struct settings *s, struct state_user *user_r)
{
    *user_r = (struct state_user){0};
    if (geteuid() != 0 || !s->user)
        return true;
    const struct passwd *pw = getpwnam(s->user);
    if (!pw)
        filterctl_complain("%s: [filterd] user=%s: no such user", s->file, s->user);
    else if (pw->pw_uid != 0)
        *user_r = (struct state_user){true, pw->pw_uid, pw->pw_gid};
    return pw != NULL;
}

/* Makes a missing folder and gives it to the user; one that is there stays as it is. */
static bool make_folder(const char *path, mode_t mode, const struct state_user *user, char **error_r)
{
    g_autofree char *parent = g_path_get_dirname(path);
    if (access(path, F_OK) == 0)
        return true;
    const mode_t before = umask(022); /* it takes nothing from the modes wanted here */
    const bool ok = g_mkdir_with_parents(parent, 0755) ? fails(error_r, parent)
                                                       : own_folder_make(path, mode, user->other ? user->uid : (uid_t)-1,
                                                                         user->other ? user->gid : (gid_t)-1, error_r);
    umask(before);
    return ok;
}

/* The key is the user's: the unit's daemon never was root, and filterd-pipe runs as the user, too. Where the user may
 * not write, root makes it. */
static bool make_key(const struct settings *s, const struct state_user *user, struct sitekey *key_r, char **error_r)
{
    const char *file = s->site_key;
    g_autofree char *folder = g_path_get_dirname(file), *days = g_strconcat(file, ".d", NULL);
    if (state_load_key(s, user, key_r, error_r))
        return true;
    if (access(file, F_OK) == 0)
        return false;
    g_clear_pointer(error_r, g_free);
    if (!make_folder(folder, 0711, user, error_r)) /* searchable: the keeper opens the keys of the day in it */
        return false;
    state_become(user);
    bool ok = sitekey_load(file, true, key_r, error_r) && (mkdir(days, 0700) == 0 || errno == EEXIST);
    if (user->other)
        state_become_self();
    if (ok || !user->other)
        return ok || *error_r || fails(error_r, days);
    g_clear_pointer(error_r, g_free);
    return sitekey_load(file, true, key_r, error_r) && make_folder(days, 0700, user, error_r) &&
           (lchown(file, user->uid, user->gid) == 0 || fails(error_r, file));
}

/* A key that was in use and a folder without a state: the store is not mounted. A key that was only brought here has no
 * keys of the day beside it. */
static bool key_is_used(const struct settings *s)
{
    g_autofree char *days = g_strconcat(s->site_key, ".d", NULL);
    return access(days, F_OK) == 0;
}

/* An empty file system that root has mounted is root's: hands it over. What holds anything stays as it is. */
static bool hand_over_empty(const char *path, const struct state_user *user, char **error_r)
{
    bool empty = true;
    struct stat st;
    const int fd = user->other ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    GDir *dir = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 ? g_dir_open(path, 0, NULL) : NULL;
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        empty = empty && strcmp(name, "lost+found") == 0;
    const bool ok = !dir || !empty || fchown(fd, user->uid, user->gid) == 0 || fails(error_r, path);
    if (dir)
        g_dir_close(dir);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool make_state(const struct settings *s, const struct state_user *user, struct sitekey *key, char **error_r)
{
    struct state state = STATE_CLOSED;
    g_autofree char *why = NULL;
    if (!make_folder(s->state_dir, 0750, user, error_r) || !hand_over_empty(s->state_dir, user, error_r) ||
        !make_key(s, user, key, error_r))
        return false;
    const enum state_found found = state_open(s, user, &state, &why);
    bool ok = false;
    if (found == STATE_NONE)
        ok = state_make(s, user, key, error_r);
    else
        *error_r = g_steal_pointer(&why);
    state_close(&state);
    return ok;
}

static bool init(const struct settings *s, const struct state_user *user, struct sitekey *key, const char **done_r,
                 char **error_r)
{
    struct state state = STATE_CLOSED;
    g_autofree char *why = NULL;
    bool ok = false;
    const enum state_found found = state_open(s, user, &state, &why);
    *done_r = "is there already";
    if (found == STATE_FOUND || found == STATE_OLD) {
        state_close(&state);
        ok = state_claim(s, user, key, &state, error_r);
    } else if (found == STATE_UNNAMED) {
        *done_r = "is named again";
        ok = state_load_key(s, user, key, error_r) && state_write(s, user, key, &state, error_r);
    } else if (found == STATE_NONE && key_is_used(s)) {
        *error_r = g_strdup_printf("%s: there is no state in it, but %s and its keys of the day were in use: mount it;"
                                   " to begin anew, take them away", s->state_dir, s->site_key);
    } else if (found == STATE_NONE) {
        *done_r = "is made";
        ok = make_state(s, user, key, error_r);
    } else {
        *error_r = g_steal_pointer(&why);
    }
    state_close(&state);
    return ok;
}

int filterctl_init(struct filterctl *ctl, int argc, char **argv)
{
    const struct settings *s = ctl->settings;
    struct state_user user;
    g_autofree char *error = NULL;
    const char *done;
    (void)argv;
    if (argc != 1)
        return EX_USAGE;
    if (!find_user(s, &user))
        return EX_CONFIG;
    log_open(LOG_TO_STDERR, "filterctl");
    if (!init(s, &user, &ctl->key, &done, &error)) {
        filterctl_complain("%s", error);
        return EX_TEMPFAIL;
    }
    if (ctl->json)
        puts("{\"ok\":true}");
    else
        printf("%s: the state %s; %s names it\n", s->state_dir, done, s->state_id);
    return EX_OK;
}
