/* filterctl alias import --postfix: makes Postfix's own aliases known to filterd, which before the queue
 * sees addresses that Postfix has not expanded yet. Called by alias.c; aliases.c reads the tables. */
#include "tools/filterctl/alias_import.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/config/users.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "tools/filterctl/aliases.h"
#include "tools/filterctl/postconf.h"

struct import {
    struct filterctl *ctl;
    bool dry, all;
    int rc;
    GPtrArray *wanted; /* of struct want* */
    GHashTable *seen;  /* addresses that Postfix has as aliases */
    GPtrArray *here;   /* of aliases that only filterd has: address, members, address, ... */
    int rows;
};

struct want {
    char *address;
    char **users;
};

static void want_free(gpointer p)
{
    g_autofree struct want *w = p;
    g_free(w->address);
    g_strfreev(w->users);
}

static void print_row(struct import *im, const char *result, const char *subject, const char *text)
{
    const char *const names[] = {"result", "address", "text"}, *const values[] = {result, subject, text};
    g_autoptr(GString) out = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!im->ctl->json) {
            g_string_append_printf(out, "%s%s", i ? "\t" : "", values[i]);
            continue;
        }
        g_string_append(out, i ? "," : im->rows ? ",\n{" : "[{");
        filterctl_json_string(out, names[i]);
        g_string_append_c(out, ':');
        filterctl_json_string(out, values[i]);
    }
    printf(im->ctl->json ? "%s}" : "%s\n", out->str);
    im->rows++;
}

static char *joined(const GPtrArray *users)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < users->len; i++)
        g_string_append_printf(out, "%s%s", i ? " " : "", (char *)users->pdata[i]);
    return g_string_free(out, FALSE);
}

/* Only notes the alias. It is written once all tables are read, as a change in users.db would change what
 * is_known() finds for the aliases still to come. */
static void want(struct import *im, const struct filterctl_aliases_entry *e)
{
    struct want *w = g_new0(struct want, 1);
    w->address = g_strdup(e->address);
    w->users = g_new0(char *, e->users->len + 1);
    for (guint i = 0; i < e->users->len; i++)
        w->users[i] = g_strdup(e->users->pdata[i]);
    g_ptr_array_add(im->wanted, w);
}

static void take_entry(const struct filterctl_aliases_entry *e, void *arg)
{
    struct import *im = arg;
    g_autofree char *users = joined(e->users);
    g_autofree char *why = NULL;
    g_hash_table_add(im->seen, g_strdup(e->address));
    switch (e->state) {
    case FILTERCTL_ALIASES_KNOWN:
        print_row(im, "known", e->address, users);
        break;
    case FILTERCTL_ALIASES_NO_KEYS:
        if (im->all)
            want(im, e);
        break;
    case FILTERCTL_ALIASES_NEW:
        want(im, e);
        break;
    case FILTERCTL_ALIASES_MIXED:
        why = g_strdup_printf("only some of %s have a key: no copy can serve all of them", users);
        print_row(im, "skipped", e->address, why);
        break;
    case FILTERCTL_ALIASES_OUTSIDE:
        why = g_strdup_printf("leads to %s, and to %s as well, which nothing can be sealed for", users,
                              e->elsewhere);
        print_row(im, "skipped", e->address, why);
        break;
    case FILTERCTL_ALIASES_CATCH_ALL:
        why = g_strdup_printf("leads a whole domain to %s: add the addresses it is used for, or all of it "
                              "(filterctl alias add %s ...) when all others there are known", users, e->address);
        print_row(im, "skipped", e->address, why);
    }
}

static void take_table(const char *table, const char *why, void *arg)
{
    if (why)
        print_row(arg, "unread", table, why);
    else
        print_row(arg, "asked", table,
                  "it cannot be listed: asked about users with keys, known aliases and usual names only");
}

/* users_alias_each gives the rows of one address one after the other. */
static void take_here(const char *address, const char *member, void *arg)
{
    struct import *im = arg;
    if (!strchr(address, '@') || g_hash_table_contains(im->seen, address))
        return;
    if (im->here->len && !strcmp(im->here->pdata[im->here->len - 2], address)) {
        char **members = (char **)&im->here->pdata[im->here->len - 1];
        g_autofree char *before = *members;
        *members = g_strdup_printf("%s %s", before, member);
        return;
    }
    g_ptr_array_add(im->here, g_strdup(address));
    g_ptr_array_add(im->here, g_strdup(member));
}

/* Lists the aliases that only filterd has, and leaves them: an operator may have added them, or Postfix
 * may have had them once. */
static bool tell_here(struct import *im, struct users *users)
{
    const bool all = users_alias_each(users, take_here, im);
    for (guint i = 0; i < im->here->len; i += 2)
        print_row(im, "only here", im->here->pdata[i], im->here->pdata[i + 1]);
    return all;
}

static void carry_out(struct import *im, const struct want *w)
{
    g_autofree char *users = g_strjoinv(" ", w->users);
    if (im->dry) {
        print_row(im, "would import", w->address, users);
        return;
    }
    const struct keeper_alias_set wanted = {w->address, w->users};
    struct keeper_answer a = filterctl_request(im->ctl, &keeper_format_alias_set, &wanted);
    if (a.code == EX_OK)
        print_row(im, "imported", w->address, users);
    else
        filterctl_complain("%s: %s", w->address, a.text && *a.text ? a.text : "it could not be done");
    if (a.code != EX_OK)
        im->rc = a.code;
    keeper_answer_clear(&a);
}

static int import(struct import *im, const char *config_dir)
{
    g_autofree char *error = NULL;
    struct filterctl_postconf *p = filterctl_postconf_read(config_dir, &error);
    struct users *users = p ? users_open(im->ctl->settings->state_dir, false, &error) : NULL;
    if (users) {
        const struct filterctl_aliases to = {take_entry, take_table, im};
        const bool all = filterctl_aliases_each(im->ctl, p, users, &to) && tell_here(im, users);
        if (!all)
            im->rc = filterctl_complain_users(users);
        for (guint i = 0; all && i < im->wanted->len; i++)
            carry_out(im, im->wanted->pdata[i]);
        if (im->ctl->json)
            puts(im->rows ? "]" : "[]");
    } else {
        filterctl_complain("%s", error);
        im->rc = p ? EX_TEMPFAIL : EX_UNAVAILABLE;
    }
    users_free(&users);
    filterctl_postconf_free(&p);
    return im->rc;
}

int filterctl_alias_import(struct filterctl *ctl, int argc, char **argv)
{
    struct import im = {.ctl = ctl, .rc = EX_OK};
    const char *config_dir = NULL;
    bool postfix = false;
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "--postfix"))
            postfix = true;
        else if (!strcmp(argv[i], "--dry-run"))
            im.dry = true;
        else if (!strcmp(argv[i], "--all"))
            im.all = true;
        else if (!strcmp(argv[i], "-C") && i + 1 < argc)
            config_dir = argv[++i];
        else
            return EX_USAGE;
    }
    if (!postfix)
        return EX_USAGE;
    im.wanted = g_ptr_array_new_with_free_func(want_free);
    im.here = g_ptr_array_new_with_free_func(g_free);
    im.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const int rc = import(&im, config_dir);
    g_ptr_array_unref(im.wanted);
    g_ptr_array_unref(im.here);
    g_hash_table_unref(im.seen);
    return rc;
}
