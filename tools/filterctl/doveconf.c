/* Reads Dovecot's settings. Called by setup/site.c, setup/dovecot.c and check/dovecot.c. */
#include "tools/filterctl/doveconf.h"

#include <glib.h>

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
