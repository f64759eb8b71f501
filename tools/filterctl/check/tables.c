/* filterctl check: whether the tables of [users] can be read. Called by check.c. */
#include <glib.h>

#include "filterd/tables/user_tables.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"

void filterctl_check_tables(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    const char *setting = NULL;
    g_autofree char *error = NULL;
    if (!settings_has_tables(s))
        return;
    struct user_tables *t = user_tables_new(s);
    if (user_tables_check(t, &setting, &error))
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "users", "the tables of [users] answer");
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "users", "[users] %s: %s: mail for all but users who are known"
                             " from before waits", setting, error);
    user_tables_free(&t);
}
