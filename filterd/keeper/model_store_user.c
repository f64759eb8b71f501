/* Users and aliases in the model store. Called by keeper_verbs.c. */
#include "filterd/keeper/model_store_user.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config/users.h"
#include "classifier/model.h"
#include "filterd/keeper/export.h"
#include "filterd/keeper/export_model.h"
#include "filterd/keeper/model_store_model.h"
#include "filterd/keeper/unclaimed.h"

int model_store_user_alias_add(struct model_store *l, const struct keeper_alias_add *wanted, char **text_r)
{
    return users_alias_add(l->users, wanted->address, wanted->user, text_r) ? EX_OK : EX_DATAERR;
}

int model_store_user_alias_remove(struct model_store *l, const struct keeper_alias_remove *wanted,
                             char **text_r)
{
    return users_alias_remove(l->users, wanted->address, text_r) ? EX_OK : EX_DATAERR;
}

int model_store_user_alias_set(struct model_store *l, const struct keeper_alias_set *wanted, char **text_r)
{
    return users_alias_set(l->users, wanted->address, wanted->users, text_r) ? EX_OK : EX_DATAERR;
}

int model_store_user_set(struct model_store *l, const struct keeper_user_set *wanted, char **text_r)
{
    return users_set(l->users, wanted->user, wanted->name, wanted->value, text_r) ? EX_OK
                                                                                  : EX_DATAERR;
}

int model_store_user_key_note(struct model_store *l, const struct keeper_key_note *wanted, char **text_r)
{
    const bool has_keys = strcmp(wanted->state, "keys") == 0;
    if (!has_keys && strcmp(wanted->state, "none") != 0) {
        *text_r = g_strdup("a note of keys is \"keys\" or \"none\"");
        return EX_DATAERR;
    }
    return users_key_note(l->users, wanted->user, has_keys, text_r) ? EX_OK : EX_TEMPFAIL;
}

static bool remove_file(const char *path, char **text_r)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    *text_r = g_strdup_printf("%s: %s", path, g_strerror(errno));
    return false;
}

int model_store_user_remove(struct model_store *l, const struct keeper_user_remove *wanted, char **text_r)
{
    const char *user = wanted->user;
    if (!users_forget(l->users, user, text_r))
        return EX_TEMPFAIL;
    if (!unclaimed_forget(l, user)) {
        *text_r = g_strdup("unclaimed.db cannot be written");
        return EX_TEMPFAIL;
    }
    g_hash_table_remove(l->models, user);
    g_autofree char *path = users_store_path(l->settings->state_dir, user);
    g_autofree char *journal = g_strconcat(path, "-journal", NULL);
    g_autofree char *keys = users_key_dir(l->settings->state_dir, user);
    /* The database first: its journal means nothing without it. In the other order, a crash in between would
     * leave a half-written database without the journal that rolls it back. */
    const bool ok = remove_file(path, text_r) && remove_file(journal, text_r);
    if (ok && g_file_test(keys, G_FILE_TEST_EXISTS))
        *text_r = g_strdup_printf("removed; the keys stay until \"key remove %s\"", user);
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

/* A user who has learnt nothing has no model: then *found_r is false. Returns false if there is a model that
 * cannot be read. */
static bool take_model(struct model_store *l, struct export *e, bool *found_r, char **text_r)
{
    g_autofree char *path = users_store_path(l->settings->state_dir, e->user);
    bool ok = true;
    *found_r = g_file_test(path, G_FILE_TEST_EXISTS) || unclaimed_has_any(l, e->user);
    if (*found_r) {
        struct model *m = model_store_model(l, e->user, text_r);
        ok = m && export_model_read(e, m);
    }
    return ok;
}

int model_store_user_export(struct model_store *l, const struct keeper_user_export *wanted, GBytes **file_r,
                       char **text_r)
{
    bool found;
    int code = EX_OK;
    struct export *e = export_new(wanted->user);
    if (!users_setting_each(l->users, e->user, take_setting, e) ||
        !users_alias_each(l->users, take_alias, e)) {
        code = EX_IOERR;
        *text_r = g_strdup(users_error(l->users));
    } else if (!take_model(l, e, &found, text_r)) {
        code = EX_TEMPFAIL;
        if (!*text_r)
            *text_r = g_strdup("the model could not be read");
    } else if (!found && e->settings->len == 0 && e->aliases->len == 0) {
        code = EX_NOUSER;
        *text_r = g_strdup_printf("nothing is known of %s", e->user);
    } else {
        *file_r = g_byte_array_free_to_bytes(export_pack(e, &l->key));
    }
    export_free(&e);
    return code;
}

/* ---- import ---- */

/* Changes two databases: each as a whole, and neither if the other refuses. */
static bool import(struct model_store *l, const struct export *e, char **text_r)
{
    struct model *m = model_store_model(l, e->user, text_r);
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

int model_store_user_import(struct model_store *l, const struct keeper_user_import *wanted, char **text_r)
{
    int code = EX_DATAERR;
    gsize len;
    const void *data = g_bytes_get_data(wanted->file, &len);
    struct export *e = export_unpack(data, len, &l->key, text_r);
    if (e && strcmp(e->user, wanted->user) != 0) {
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
