/* filterctl check: whether clamd answers, takes messages as large as filterd does, and where it unpacks
 * mail. Called by check.c. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules/clamav.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/check/prove.h"

#define CONFIGURATION "/etc/clamav/clamd.conf"
#define ASK_MS 10000

/* The value of a line "Name value" of clamd.conf, g_free; NULL if there is none. */
static char *value_of(const char *text, const char *name)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        const size_t n = strlen(name);
        if (g_str_has_prefix(*l, name) && (*l)[n] == ' ')
            return g_strstrip(g_strdup(*l + n));
    }
    return NULL;
}

static void check_folder(struct filterctl_check *c, const char *text)
{
    g_autofree char *given = value_of(text, "TemporaryDirectory");
    const char *folder = given ? given : "/tmp";
    if (access(folder, F_OK))
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "clamd", "%s: its TemporaryDirectory cannot be seen",
                             folder);
    else if (filterctl_disk_of(folder) == DISK_MEMORY)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "clamd", "%s, where it unpacks mail, is in memory", folder);
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "clamd",
                             "it unpacks mail into %s, on a disk: set TemporaryDirectory to a tmpfs", folder);
}

/* A size such as 25M or 100000; without one clamd's own default. */
static void check_size(struct filterctl_check *c, const char *text)
{
    g_autofree char *given = value_of(text, "StreamMaxLength");
    char *unit;
    guint64 limit = given ? g_ascii_strtoull(given, &unit, 10) : 100 << 20;
    if (given && g_ascii_toupper(*unit) == 'M')
        limit <<= 20;
    if (given && g_ascii_toupper(*unit) == 'K')
        limit <<= 10;
    if (limit && limit < c->ctl->settings->message_size_limit)
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "clamd",
                             "StreamMaxLength is below message_size_limit: larger mail is not scanned");
}

void filterctl_check_clamav(struct filterctl_check *c)
{
    const char *path = c->ctl->settings->clamav.path;
    g_autofree char *text = NULL;
    char name[128];
    if (!path)
        return;
    if (clamav_scan(path, "x", 1, ASK_MS, name) == CLAMAV_CLEAN)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "clamd", "answers on %s", path);
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "clamd", "%s: %s", path, name);
    if (!g_file_get_contents(CONFIGURATION, &text, NULL, NULL)) {
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "clamd",
                             CONFIGURATION " cannot be read: see that TemporaryDirectory is a tmpfs");
        return;
    }
    check_folder(c, text);
    check_size(c, text);
}
