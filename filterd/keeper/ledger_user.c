#include "filterd/keeper/ledger_user.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "filterd/keeper/export_model.h"

/* Up to two text arguments; false with a line if one that must be there is not. */
static bool texts(GVariant *arguments, const char *const names[2], const char *values_r[2],
                  char **text_r)
{
    for (int i = 0; i < 2 && names[i]; i++) {
        if (g_variant_lookup(arguments, names[i], "&s", &values_r[i]) && *values_r[i])
            continue;
        *text_r = g_strdup_printf("%s is wanted", names[i]);
        return false;
    }
    return true;
}

int ledger_user_alias_add(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *v[2];
    if (!texts(arguments, (const char *const[]){"address", "user"}, v, text_r))
        return EX_DATAERR;
    return users_alias_add(l->users, v[0], v[1], text_r) ? EX_OK : EX_DATAERR;
}

int ledger_user_alias_remove(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *v[2];
    if (!texts(arguments, (const char *const[]){"address", NULL}, v, text_r))
        return EX_DATAERR;
    return users_alias_remove(l->users, v[0], text_r) ? EX_OK : EX_DATAERR;
}

int ledger_user_alias_set(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *v[2];
    g_auto(GStrv) users = NULL;
    if (!texts(arguments, (const char *const[]){"address", NULL}, v, text_r))
        return EX_DATAERR;
    if (!g_variant_lookup(arguments, "users", "^as", &users) || !*users) {
        *text_r = g_strdup("users are wanted");
        return EX_DATAERR;
    }
    return users_alias_set(l->users, v[0], users, text_r) ? EX_OK : EX_DATAERR;
}

int ledger_user_set(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *v[2], *value = NULL;
    if (!texts(arguments, (const char *const[]){"user", "name"}, v, text_r))
        return EX_DATAERR;
    g_variant_lookup(arguments, "value", "&s", &value);
    return users_set(l->users, v[0], v[1], value, text_r) ? EX_OK : EX_DATAERR;
}

static bool remove_file(const char *path, char **text_r)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    *text_r = g_strdup_printf("%s: %s", path, g_strerror(errno));
    return false;
}

int ledger_user_remove(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *v[2];
    if (!texts(arguments, (const char *const[]){"user", NULL}, v, text_r))
        return EX_DATAERR;
    if (!users_forget(l->users, v[0], text_r))
        return EX_TEMPFAIL;
    g_hash_table_remove(l->models, v[0]);
    char *path = users_store_path(l->settings->state_dir, v[0]);
    char *journal = g_strconcat(path, "-journal", NULL);
    char *keys = users_key_dir(l->settings->state_dir, v[0]);
    /* The journal last: without its database it means nothing, before that it would roll it back. */
    const bool ok = remove_file(path, text_r) && remove_file(journal, text_r);
    if (ok && g_file_test(keys, G_FILE_TEST_EXISTS))
        *text_r = g_strdup_printf("removed; the keys stay until \"key remove %s\"", v[0]);
    g_free(path);
    g_free(journal);
    g_free(keys);
    return ok ? EX_OK : EX_TEMPFAIL;
}

/* ---- export ---- */

static void take_setting(const char *user, const char *name, const char *value, void *arg)
{
    struct export *e = arg;
    (void)user;
    g_ptr_array_add(e->settings, g_strdup(name));
    g_ptr_array_add(e->settings, g_strdup(value));
}

static void take_alias(const char *address, const char *member, void *arg)
{
    struct export *e = arg;
    if (strcmp(member, e->user) == 0)
        g_ptr_array_add(e->aliases, g_strdup(address));
}

/* A user who has learnt nothing has no model. False if there is one and it cannot be read. */
static bool take_model(struct ledger *l, struct export *e, bool *found_r, char **text_r)
{
    char *path = users_store_path(l->settings->state_dir, e->user);
    bool ok = true;
    *found_r = g_file_test(path, G_FILE_TEST_EXISTS);
    if (*found_r) {
        struct model *m = ledger_model(l, e->user, text_r);
        ok = m && export_model_read(e, m);
    }
    g_free(path);
    return ok;
}

int ledger_user_export(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *v[2];
    bool found;
    int code = EX_OK;
    if (!texts(arguments, (const char *const[]){"user", NULL}, v, text_r))
        return EX_DATAERR;
    struct export *e = export_new(v[0]);
    users_setting_each(l->users, e->user, take_setting, e);
    users_alias_each(l->users, take_alias, e);
    if (!take_model(l, e, &found, text_r)) {
        code = EX_TEMPFAIL;
        if (!*text_r)
            *text_r = g_strdup("the model could not be read");
    } else if (!found && e->settings->len == 0 && e->aliases->len == 0) {
        code = EX_NOUSER;
        *text_r = g_strdup_printf("nothing is known of %s", e->user);
    } else {
        GByteArray *file = export_pack(e, &l->key);
        ledger_give(l, "file", g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, file->data, file->len, 1));
        g_byte_array_unref(file);
    }
    export_free(&e);
    return code;
}

/* ---- import ---- */

static struct export *export_argument(struct ledger *l, GVariant *arguments, char **text_r)
{
    GVariant *file = g_variant_lookup_value(arguments, "file", G_VARIANT_TYPE("ay"));
    struct export *e = NULL;
    if (file) {
        gsize len;
        const void *data = g_variant_get_fixed_array(file, &len, 1);
        e = export_unpack(data, len, &l->key, text_r);
        g_variant_unref(file);
    } else {
        *text_r = g_strdup("file is wanted");
    }
    return e;
}

/* Two databases: each is changed as a whole, and neither if the other refuses. */
static bool import(struct ledger *l, const struct export *e, char **text_r)
{
    struct model *m = ledger_model(l, e->user, text_r);
    bool ok = m && model_begin(m);
    if (ok) {
        ok = export_model_write(e, m) &&
             users_replace(l->users, e->user, e->settings, e->aliases, text_r);
        ok = model_end(m, ok);
    }
    if (!ok && !*text_r)
        *text_r = g_strdup("the model could not be written");
    return ok;
}

int ledger_user_import(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *v[2];
    int code = EX_DATAERR;
    if (!texts(arguments, (const char *const[]){"user", NULL}, v, text_r))
        return code;
    struct export *e = export_argument(l, arguments, text_r);
    if (e && strcmp(e->user, v[0]) != 0) {
        *text_r = g_strdup_printf("this is the export of %s, whose model says nothing to another user",
                                  e->user);
    } else if (e) {
        code = import(l, e, text_r) ? EX_OK : EX_TEMPFAIL;
        if (code == EX_OK)
            *text_r = g_strdup_printf("%u spam and %u ham learnt, %u settings, %u aliases",
                                      e->learner->spam, e->learner->ham, e->settings->len / 2,
                                      e->aliases->len);
    }
    export_free(&e);
    return code;
}
