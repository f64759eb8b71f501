/* Runs systemctl. Called by apply.c and dovecot.c. */
#include "tools/filterctl/setup/service.h"

#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "tools/filterctl/filterctl.h"

bool filterctl_setup_service_is_ours(const struct settings *s)
{
    const char *argv[] = {"systemctl", "cat", "filterd.service", NULL};
    int status = 1;
    return geteuid() == 0 && !strcmp(s->file, FILTERCTL_DEFAULT_SETTINGS) && access("/run/systemd/system", F_OK) == 0 &&
           g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                        NULL, NULL, NULL, NULL, &status, NULL) &&
           g_spawn_check_wait_status(status, NULL);
}

bool filterctl_setup_service_do(const char *verb, const char *unit)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *complaint = NULL;
    const char *argv[] = {"systemctl", "--quiet", verb, unit, NULL};
    int status = 0;
    if (g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &complaint, &status, &error) &&
        g_spawn_check_wait_status(status, &error))
        return true;
    if (complaint)
        g_strdelimit(g_strchomp(complaint), "\n", ' ');
    filterctl_complain("systemctl %s %s: %s", verb, unit, complaint && *complaint ? complaint : error->message);
    return false;
}
