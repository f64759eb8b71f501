/* filterctl check: names that Postfix takes for its own and filterd for foreign ones. Called by postfix.c, of whose subject it
 * is. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/config/users_tables.h"
#include "filterd/pipeline/our_names.h"
#include "filterd/tables/user_tables.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/maps.h"
#include "tools/filterctl/postconf.h"

#define SUBJECT "postfix"
#define NAMES_TOLD 5

struct strange {
    const struct settings *settings;
    struct user_tables *tables; /* of [users] */
    GString *names;
    int count;
};

static bool is_in_table(const struct strange *st, const char *name)
{
    struct users_tables_answer a = {0};
    const bool is = user_tables_ask(st->tables, USERS_TABLES_IS_DOMAIN, name, &a) == USERS_FOUND;
    users_tables_answer_clear(&a);
    return is;
}

static void take_name(const char *name, void *arg)
{
    struct strange *st = arg;
    if (!our_names_has(st->settings, name) && !is_in_table(st, name) && ++st->count <= NAMES_TOLD)
        g_string_append_printf(st->names, " %s", name);
}

/* virtual_alias_domains is virtual_alias_maps unless it is set: those have addresses, too. */
static void take_domain(const char *name, void *arg)
{
    if (!strchr(name, '@'))
        take_name(name, arg);
}

static void take_unlisted(const char *table, const char *why, void *arg)
{
    (void)why;
    g_string_append_printf(arg, " %s", table);
}

/* Adds the strange ones of a Postfix list, and its tables that cannot be listed. */
static void look_through(struct strange *st, const struct filterctl_postconf *p, const char *list, GString *unread)
{
    g_auto(GStrv) words = filterctl_maps_words(filterctl_postconf_get(p, list));
    for (char **w = words; *w; w++) {
        if (!strpbrk(*w, ":/")) {
            take_domain(*w, st);
            continue;
        }
        struct filterctl_maps *m = filterctl_maps_new(filterctl_postconf_folder(p), *w);
        filterctl_maps_each(m, take_domain, st);
        filterctl_maps_each_unlisted(m, take_unlisted, unread);
        filterctl_maps_free(&m);
    }
}

/* Postfix delivers mail for any of these to a local user, whatever stands in front: "alice%example.com", too. */
static int check_local_names(struct filterctl_check *c, struct user_tables *tables)
{
    struct strange st = {c->ctl->settings, tables, g_string_new(NULL), 0};
    g_autoptr(GString) unread = g_string_new(NULL);
    look_through(&st, c->postconf, "mydestination", unread);
    if (st.count)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "mydestination has%s%s, which filterd takes for foreign: mail to users "
                             "there passes unsealed: add it to [filterd] local_names", st.names->str,
                             st.count > NAMES_TOLD ? " ..." : "");
    if (unread->len)
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, SUBJECT, "mydestination names%s, which cannot be listed: [filterd] "
                             "local_names must have all of it", unread->str);
    g_string_free(st.names, TRUE);
    return (st.count != 0) + (unread->len != 0);
}

/* With domains empty all are ours. Tables that cannot be listed are [users] domains, as "filterctl setup" writes it. */
static int check_domains(struct filterctl_check *c, struct user_tables *tables)
{
    static const char *const lists[] = {"virtual_mailbox_domains", "virtual_alias_domains"};
    struct strange st = {c->ctl->settings, tables, g_string_new(NULL), 0};
    g_autoptr(GString) unread = g_string_new(NULL);
    for (size_t i = 0; c->ctl->settings->domains[0] && i < G_N_ELEMENTS(lists); i++)
        look_through(&st, c->postconf, lists[i], unread);
    if (st.count)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "Postfix delivers mail for%s%s, which filterd takes for foreign: it is "
                             "not judged, and passes unsealed: add it to [filterd] domains", st.names->str,
                             st.count > NAMES_TOLD ? " ..." : "");
    g_string_free(st.names, TRUE);
    return st.count != 0;
}

int filterctl_check_names(struct filterctl_check *c)
{
    struct user_tables *tables = user_tables_new(c->ctl->settings, -1);
    const int n = check_local_names(c, tables) + check_domains(c, tables);
    user_tables_free(&tables);
    return n;
}
