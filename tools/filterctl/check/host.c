/* filterctl check: what lies on this host around filterd: who can read its key, where its state is mounted, who may
 * train, and whether the daemon has the settings that the file has now. Called by check.c. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/check/reach.h"
#include "tools/filterctl/doveconf.h"
#include "tools/filterctl/reread.h"

/* ---- the site key ---- */

static void check_key(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    const struct passwd *user = s->user ? getpwnam(s->user) : NULL;
    struct stat st;
    if (stat(s->site_key, &st)) {
        if (errno == ENOENT && !access(s->state_id, F_OK)) /* else the state's check has told */
            filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "site key", "%s is not there, but the state that it belongs to is: filterd "
                                 "does not start, and what was learnt is lost with it: bring it back", s->site_key);
        return;
    }
    if (st.st_mode & 077)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "site key", "%s may be read by others (mode %04o): chmod 0400 it",
                             s->site_key, (unsigned)st.st_mode & 07777);
    else if (st.st_uid != 0 && user && st.st_uid != user->pw_uid)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "site key", "%s belongs to uid %u, who is neither root nor %s: chown %s it",
                             s->site_key, (unsigned)st.st_uid, s->user, s->user);
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "site key", "%s is closed to others", s->site_key);
}

/* ---- the mount below the state ---- */

/* The mount point of the file system that a path lies on, and its type; both g_free. */
static char *mount_of(const char *path, char **type_r)
{
    g_autofree char *text = NULL;
    char *best = NULL;
    struct stat st, at;
    *type_r = NULL;
    if (stat(path, &st) || !g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL))
        return NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        g_auto(GStrv) words = g_strsplit(*l, " ", -1);
        const char *dash = strstr(*l, " - ");
        const size_t n = g_strv_length(words) > 4 ? strlen(words[4]) : 0;
        if (!n || !dash || strncmp(path, words[4], n) || (path[n] && path[n] != '/' && n > 1) || stat(words[4], &at) ||
            at.st_dev != st.st_dev)
            continue;
        g_free(best);
        g_free(*type_r);
        best = g_strdup(words[4]);
        *type_r = g_strndup(dash + 3, strcspn(dash + 3, " "));
    }
    return best;
}

/* True if the system mounts it by itself when it boots. */
static bool is_in_fstab(const char *mount_point)
{
    g_autofree char *text = NULL, *quoted = g_regex_escape_string(mount_point, -1);
    g_autofree char *pattern = g_strdup_printf("^\\s*[^#\\s]\\S*\\s+%s\\s+\\S+\\s+(?!\\S*\\bnoauto\\b)", quoted);
    return g_file_get_contents("/etc/fstab", &text, NULL, NULL) && g_regex_match_simple(pattern, text, G_REGEX_MULTILINE, 0);
}

static void check_mount(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    g_autofree char *type = NULL, *other = NULL;
    g_autofree char *at = mount_of(s->state_dir, &type);
    g_autofree char *folder = g_path_get_dirname(s->state_id);
    g_autofree char *id_at = mount_of(folder, &other);
    if (!at || !strcmp(at, "/") || is_in_fstab(at))
        return;
    if (!g_strcmp0(at, id_at))
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "mount", "state_dir and state_id lie on %s (%s), which is mounted by hand: "
                             "without it nothing tells that a state is missing: set state_id to a file elsewhere, such as "
                             "/etc/filterd/state.id", at, type);
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "mount", "state_dir lies on %s (%s), which is mounted by hand: until it is, "
                             "all mail waits", at, type);
}

/* ---- who may train ---- */

static bool check_train_users(struct filterctl_check *c)
{
    bool all = true;
    for (char **u = c->ctl->settings->train_users; *u; u++) {
        g_autofree char *name = g_strndup(*u, strcspn(*u, ":"));
        const bool there = !*name || g_ascii_isdigit(*name) || getpwnam(name);
        all &= there;
        if (!there)
            filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "train_users", "there is no user %s on this host: moves between folders "
                                 "do not train: name Dovecot's mail user", name);
    }
    return all;
}

static uid_t uid_of(const char *name)
{
    const struct passwd *pw = g_ascii_isdigit(*name) ? NULL : getpwnam(name);
    return pw ? pw->pw_uid : g_ascii_isdigit(*name) ? (uid_t)strtoul(name, NULL, 10) : (uid_t)-1;
}

/* Whom Dovecot's settings name, or have in one place only. */
static void check_mail_user(struct filterctl_check *c)
{
    g_autofree char *mail = c->ctl->settings->train_users[0] ? filterctl_doveconf_mail_user(c->dovecot_file) : NULL;
    const uid_t uid = mail ? uid_of(mail) : (uid_t)-1;
    bool known = uid == (uid_t)-1;
    for (char **u = c->ctl->settings->train_users; *u && !known; u++) {
        g_autofree char *name = g_strndup(*u, strcspn(*u, ":"));
        known = uid_of(name) == uid;
    }
    const struct passwd *pw = known ? NULL : getpwuid(uid);
    const char *name = pw ? pw->pw_name : mail;
    if (!known)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "train_users", "Dovecot runs as %s for its users, who may not train: add %s to "
                             "[control] train_users", name, name);
}

/* ---- what filterd's user may read and write ---- */

/* Tells of the first that it may not. */
static void check_access(struct filterctl_check *c, const GPtrArray *paths, int how, const char *subject, const char *then)
{
    const char *user = c->ctl->settings->user;
    int why;
    const int n = user ? filterctl_reach_first(user, false, (const char *const *)paths->pdata, how, &why) : -1;
    if (n >= 0 && why != ENOENT)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, subject, "%s: filterd's user %s may not %s it (%s): %s: chown %s it, or open it to "
                             "them", (char *)paths->pdata[n], user, how & W_OK ? "write to" : "read", g_strerror(why), then, user);
}

static void add_below(GPtrArray *paths, const char *folder, const char *suffix)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (*name != '.' && g_str_has_suffix(name, suffix))
            g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
}

/* The master reads them again as filterd's user. */
static void check_files(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    g_autofree char *parent = g_path_get_dirname(s->file), *folder = g_build_filename(parent, "conf.d", NULL);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(files, g_strdup(s->file));
    if (!access(folder, F_OK))
        g_ptr_array_add(files, g_build_filename(folder, ".", NULL));
    add_below(files, folder, ".conf");
    g_ptr_array_add(files, NULL);
    check_access(c, files, R_OK, "settings", "it cannot be reloaded");
}

static void check_state_files(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    g_autofree char *keys = g_build_filename(s->state_dir, "keys", NULL);
    g_autoptr(GPtrArray) folders = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) users = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(folders, g_strdup(s->state_dir));
    g_ptr_array_add(folders, g_strdup(keys));
    g_ptr_array_add(folders, NULL);
    add_below(users, keys, "");
    g_ptr_array_add(users, NULL);
    check_access(c, folders, R_OK | W_OK | X_OK, "state", "mail waits");
    check_access(c, users, R_OK | X_OK, "state", "this user's mail waits");
}

/* ---- the settings ---- */

static void check_reread(struct filterctl_check *c)
{
    g_autofree char *file = filterctl_reread_wanted(c->ctl->settings);
    if (file)
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "settings", "%s was changed since filterd read it: systemctl "
                             "reload-or-restart filterd, and if that is no use its log says why", file);
}

void filterctl_check_host(struct filterctl_check *c)
{
    check_key(c);
    check_mount(c);
    if (check_train_users(c))
        check_mail_user(c);
    check_files(c);
    check_state_files(c);
    check_reread(c);
}
