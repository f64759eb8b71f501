/* filterctl check: whether the tables of [users] can be read. Called by check.c. */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "filterd/tables/tables_client.h"
#include "filterd/tables/user_tables.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/check/reach.h"
#include "tools/filterctl/maps.h"

/* We may be root, and filterd's user is not. The first file of a chain that this user cannot read; g_free. */
static char *closed_file(const struct settings *s, const char *chain, int *why_r)
{
    g_auto(GStrv) words = filterctl_maps_words(chain ? chain : "");
    const pid_t daemon = filterctl_reach_daemon(s);
    for (char **w = words; *w; w++) {
        const char *path = strstr(*w, ":/");
        *why_r = path ? filterctl_reach_try(s, daemon, path + 1, R_OK) : 0;
        if (*why_r == EACCES)
            return g_strdup(path + 1);
    }
    return NULL;
}

static bool are_open(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    static const char *const names[] = {"mailboxes", "aliases", "domains", "key"};
    const char *const chains[] = {s->mailbox_maps, s->alias_maps, s->domain_maps, s->key_maps};
    bool open = true;
    for (size_t i = 0; i < G_N_ELEMENTS(chains); i++) {
        int why;
        g_autofree char *path = closed_file(s, chains[i], &why);
        open &= !path;
        if (path)
            filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "users", "[users] %s: filterd may not read %s (%s): mail for all but users "
                                 "who are known from before waits: chgrp %s %s; chmod 640 %s", names[i], path,
                                 g_strerror(why), filterctl_reach_user(s), path, path);
    }
    return open;
}

/* As the daemon asks them: it has fewer rights than who calls us. */
static bool daemon_asks(const struct settings *s)
{
    struct tables_client *client = tables_client_new(s);
    const struct users_tables *tables = tables_client_users(client);
    struct users_tables_answer a = {0};
    const bool ok = tables->ask(tables->arg, USERS_TABLES_ALL, "nobody@filterd.invalid", &a) != USERS_TEMP;
    users_tables_answer_clear(&a);
    tables_client_free(&client);
    return ok;
}

/* ---- copies of Postfix's map files ---- */

/* Tells if the copy that filterd asks is not what Postfix asks. */
static void check_copy(struct filterctl_check *c, const char *word)
{
    const struct settings *s = c->ctl->settings;
    const char *const chains[] = {s->mailbox_maps, s->alias_maps, s->domain_maps};
    const char *from = strstr(word, ":/");
    g_autofree char *copy = from ? filterctl_maps_copy_of(s->file, from + 1) : NULL, *theirs = NULL, *ours = NULL;
    bool used = false;
    for (size_t i = 0; copy && i < G_N_ELEMENTS(chains); i++)
        used |= chains[i] && strstr(chains[i], copy);
    if (used && g_file_get_contents(from + 1, &theirs, NULL, NULL) && g_file_get_contents(copy, &ours, NULL, NULL) &&
        strcmp(theirs, ours))
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "users", "%s was changed since filterd's copy %s was made: Postfix and filterd may "
                             "find different users: \"filterctl setup --apply\" copies it anew", from + 1, copy);
}

static void check_copies(struct filterctl_check *c)
{
    static const char *const lists[] = {"virtual_mailbox_maps", "virtual_alias_maps", "alias_maps", "local_recipient_maps",
                                        "virtual_mailbox_domains", "virtual_alias_domains", "mydestination"};
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; c->postconf && i < G_N_ELEMENTS(lists); i++) {
        g_auto(GStrv) words = filterctl_maps_words(filterctl_postconf_get(c->postconf, lists[i]));
        for (char **w = words; *w; w++)
            if (g_hash_table_add(seen, g_strdup(*w)))
                check_copy(c, *w);
    }
}

void filterctl_check_tables(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    const char *setting = NULL;
    g_autofree char *error = NULL;
    if (!settings_has_tables(s) || !are_open(c))
        return;
    check_copies(c);
    struct user_tables *t = user_tables_new(s, -1);
    const bool answer = user_tables_check(t, &setting, &error);
    if (answer && filterctl_reach_daemon(s) && !daemon_asks(s))
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "users", "the tables of [users] answer us, and the daemon cannot ask them"
                             " (its log says why): mail for all but users who are known from before waits");
    else if (answer)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "users", "the tables of [users] answer");
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "users", "[users] %s: %s: mail for all but users who are known"
                             " from before waits", setting, error);
    user_tables_free(&t);
}
