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

#include "base/config/settings.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/reread.h"

/* ---- the site key ---- */

static void check_key(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    const struct passwd *user = s->user ? getpwnam(s->user) : NULL;
    struct stat st;
    if (stat(s->site_key, &st))
        return; /* the state's check has told */
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

static void check_train_users(struct filterctl_check *c)
{
    for (char **u = c->ctl->settings->train_users; *u; u++) {
        g_autofree char *name = g_strndup(*u, strcspn(*u, ":"));
        if (*name && !g_ascii_isdigit(*name) && !getpwnam(name))
            filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "train_users", "there is no user %s on this host: moves between folders "
                                 "do not train: name Dovecot's mail user", name);
    }
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
    check_train_users(c);
    check_reread(c);
}
