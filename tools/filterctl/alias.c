/* filterctl alias and filterctl user: list what users.db holds, and ask the keeper to change it (only the
 * keeper writes). Called by filterctl.c; "alias import" is in alias_import.c, "user export" in export.c. */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/address.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "filterd/keeper/keeper_request.h"
#include "tools/filterctl/alias_import.h"
#include "tools/filterctl/export.h"
#include "tools/filterctl/filterctl.h"

struct listing {
    bool json;
    int rows, code;
    const char *names[3]; /* of the columns */
};

static void print_row(struct listing *l, const char *const *values)
{
    GString *out = g_string_new(NULL);
    for (int i = 0; i < 3 && l->names[i]; i++) {
        if (!l->json) {
            g_string_append_printf(out, "%s%s", i ? "\t" : "", values[i]);
            continue;
        }
        g_string_append(out, i ? "," : l->rows ? ",\n{" : "[{");
        filterctl_json_string(out, l->names[i]);
        g_string_append_c(out, ':');
        filterctl_json_string(out, values[i]);
    }
    printf(l->json ? "%s}" : "%s\n", out->str);
    l->rows++;
    g_string_free(out, TRUE);
}

static void alias_row(const char *address, const char *member, void *arg)
{
    print_row(arg, (const char *const[]){address, member, NULL});
}

/* A value that another version left in the store, or somebody put there by hand, is printed as it is, and
 * stderr says that filterd does not follow it. */
static void setting_row(const char *user, const char *name, const char *value, void *arg)
{
    struct listing *l = arg;
    g_autofree char *normal = user_settings_normal(name, value);
    print_row(l, (const char *const[]){user, name, normal ? normal : value});
    if (normal)
        return;
    filterctl_complain("%s: %s=%s is not followed: %s", user, name, value, user_settings_expected(name));
    l->code = EX_DATAERR;
}

static struct users *open_users(struct filterctl *ctl)
{
    g_autofree char *error = NULL;
    struct users *u = users_open(ctl->settings->state_dir, false, &error);
    if (!u)
        filterctl_complain("%s", error);
    return u;
}

static int end_listing(struct listing *l, struct users *u, bool all)
{
    if (l->json)
        puts(l->rows ? "]" : "[]");
    if (!all)
        l->code = filterctl_complain_users(u);
    users_free(&u);
    return l->code;
}

/* ---- alias ---- */

static int alias_list(struct filterctl *ctl)
{
    struct listing l = {.json = ctl->json, .names = {"address", "user"}};
    struct users *u = open_users(ctl);
    if (!u)
        return EX_TEMPFAIL;
    const bool all = users_alias_each(u, alias_row, &l);
    return end_listing(&l, u, all);
}

static int alias_add(struct filterctl *ctl, const char *address, int argc, char **argv)
{
    int rc = EX_OK;
    for (int i = 0; i < argc && rc == EX_OK; i++) {
        g_autofree char *user = filterctl_address(argv[i]);
        const struct keeper_alias_add wanted = {address, user};
        rc = user ? filterctl_ask_and_tell(ctl, &keeper_format_alias_add, &wanted) : EX_DATAERR;
    }
    return rc;
}

int filterctl_alias(struct filterctl *ctl, int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "list"))
        return alias_list(ctl);
    if (argc > 1 && !strcmp(argv[1], "import"))
        return filterctl_alias_import(ctl, argc - 2, argv + 2);
    bool add = argc > 3 && !strcmp(argv[1], "add");
    if (!add && !(argc == 3 && !strcmp(argv[1], "remove")))
        return EX_USAGE;
    /* A bare login name can be an alias, too. */
    g_autofree char *address = address_canonical(argv[2]);
    const struct keeper_alias_remove removed = {address};
    if (!address) {
        filterctl_complain("\"%s\" is no address", argv[2]);
        return EX_DATAERR;
    }
    return add ? alias_add(ctl, address, argc - 3, argv + 3)
               : filterctl_ask_and_tell(ctl, &keeper_format_alias_remove, &removed);
}

/* ---- user ---- */

static int user_list(struct filterctl *ctl, const char *user)
{
    struct listing l = {.json = ctl->json, .names = {"user", "name", "value"}};
    struct users *u = open_users(ctl);
    if (!u)
        return EX_TEMPFAIL;
    const bool all = users_setting_each(u, user, setting_row, &l);
    return end_listing(&l, u, all);
}

static int user_set_one(struct filterctl *ctl, const char *user, const char *setting)
{
    const char *equals = strchr(setting, '=');
    if (!equals || equals == setting) {
        filterctl_complain("\"%s\": expected NAME=VALUE", setting);
        return EX_USAGE;
    }
    g_autofree char *name = g_strndup(setting, (size_t)(equals - setting));
    /* No value takes the setting away. */
    const struct keeper_user_set wanted = {user, name, equals[1] ? equals + 1 : NULL};
    return filterctl_ask_and_tell(ctl, &keeper_format_user_set, &wanted);
}

static int user_set(struct filterctl *ctl, const char *user, int argc, char **argv)
{
    int rc = EX_OK;
    for (int i = 0; i < argc && rc == EX_OK; i++)
        rc = user_set_one(ctl, user, argv[i]);
    return rc;
}

/* A subcommand of "filterctl user" that takes a user; argv begins behind it. */
static int user_verb(struct filterctl *ctl, const char *verb, const char *user, char **argv)
{
    const struct keeper_user_remove removed = {user};
    const int argc = (int)g_strv_length(argv);
    if (argc > 0 && !strcmp(verb, "set"))
        return user_set(ctl, user, argc, argv);
    if (argc == 0 && !strcmp(verb, "show"))
        return user_list(ctl, user);
    if (argc == 0 && !strcmp(verb, "remove"))
        return filterctl_ask_and_tell(ctl, &keeper_format_user_remove, &removed);
    if (argc <= 1 && !strcmp(verb, "export"))
        return filterctl_export_write(ctl, user, argv[0]);
    if (argc == 1 && !strcmp(verb, "import"))
        return filterctl_export_read(ctl, user, argv[0]);
    return EX_USAGE;
}

int filterctl_user(struct filterctl *ctl, int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "list"))
        return user_list(ctl, NULL);
    if (argc < 3)
        return EX_USAGE;
    g_autofree char *user = filterctl_address(argv[2]);
    return user ? user_verb(ctl, argv[1], user, argv + 3) : EX_DATAERR;
}
