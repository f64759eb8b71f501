/* Reads Dovecot's settings. Called by setup/site.c, setup/dovecot.c, check/dovecot.c and check/host.c. */
#include "tools/filterctl/doveconf.h"

#include <glib.h>
#include <string.h>

char *filterctl_doveconf(const char *file, const char *option, const char *name)
{
    const char *argv[6] = {"doveconf"};
    int n = 1, status = 0;
    char *out = NULL;
    if (file) {
        argv[n++] = "-c";
        argv[n++] = file;
    }
    argv[n++] = option;
    argv[n++] = name;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL,
                      &status, NULL) || status)
        g_clear_pointer(&out, g_free);
    return out ? g_strstrip(out) : NULL;
}

/* The first word behind "uid" and = in a setting or in a userdb's arguments. */
static char *uid_in(const char *text)
{
    g_autoptr(GRegex) uid = g_regex_new("\\b(?:mail_uid|userdb_uid|uid|mail_user)\\s*=\\s*([A-Za-z0-9_-]+)", 0, 0, NULL);
    g_autoptr(GMatchInfo) found = NULL;
    return text && g_regex_match(uid, text, 0, &found) ? g_match_info_fetch(found, 1) : NULL;
}

char *filterctl_doveconf_mail_user(const char *file)
{
    g_autofree char *uid = filterctl_doveconf(file, "-h", "mail_uid");
    if (uid && *uid && strcmp(uid, "0"))
        return g_steal_pointer(&uid);
    g_autofree char *all = filterctl_doveconf(file, "-n", NULL);
    return uid_in(all);
}
