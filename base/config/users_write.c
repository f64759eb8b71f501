/* Changes aliases, settings and notes of keys in users.db. Called by the keeper, and by filterctl where none runs. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/address.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/config/users_state.h"
#include "base/store.h"

static bool run(struct users *u, const char *sql, const char *const *texts, int count,
                char **error_r)
{
    if (u->db && store_run(u->db, sql, texts, count))
        return true;
    *error_r = g_strdup_printf("%s: %s", u->path,
                               u->db ? sqlite3_errmsg(u->db) : "is not there");
    return false;
}

/* NULL with *error_r if text is no mail address. */
static char *canonical(const char *text, char **error_r)
{
    char *address = address_canonical(text);
    if (!address)
        *error_r = g_strdup_printf("\"%s\" is no mail address", text);
    return address;
}

/* Postfix finds an address under what it folds to: sharp s under ss, as it is written in capitals. An address that
 * is not so itself gets an alias of that name, unless somebody has it already. */
static bool add_folded(struct users *u, const char *address, char **error_r)
{
    g_autofree char *folded = address_folded(address);
    const char *texts[] = {folded, address};
    if (!strcmp(folded, address) || users_exists(u, folded) != USERS_UNKNOWN)
        return true;
    return run(u, "INSERT INTO alias SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM alias WHERE address = ?1)", texts, 2,
               error_r);
}

bool users_alias_add(struct users *u, const char *address, const char *user, char **error_r)
{
    g_autofree char *from = canonical(address, error_r);
    g_autofree char *to = from ? canonical(user, error_r) : NULL;
    const char *texts[] = {from, to};
    bool ok = to && run(u, "INSERT OR IGNORE INTO alias VALUES (?1, ?2)", texts, 2, error_r);
    return ok && add_folded(u, from, error_r);
}

static bool set_members(struct users *u, const char *address, char *const *members, char **error_r)
{
    bool ok = users_alias_remove(u, address, error_r);
    for (; ok && *members; members++)
        ok = users_alias_add(u, address, *members, error_r);
    return ok && run(u, "COMMIT", NULL, 0, error_r);
}

bool users_alias_set(struct users *u, const char *address, char *const *members, char **error_r)
{
    if (!run(u, "BEGIN IMMEDIATE", NULL, 0, error_r))
        return false;
    const bool ok = set_members(u, address, members, error_r);
    if (!ok)
        store_run(u->db, "ROLLBACK", NULL, 0);
    return ok;
}

bool users_alias_remove(struct users *u, const char *address, char **error_r)
{
    g_autofree char *from = canonical(address, error_r);
    g_autofree char *folded = from ? address_folded(from) : NULL;
    const char *texts[] = {from, folded};
    return from && run(u, "DELETE FROM alias WHERE address = ?1 OR (address = ?2 AND member = ?1)", texts, 2, error_r);
}

bool users_key_note(struct users *u, const char *user, bool has_key, char **error_r)
{
    const char *texts[] = {user};
    return run(u, has_key ? "INSERT OR IGNORE INTO key VALUES (?1)" : "DELETE FROM key WHERE user = ?1", texts, 1,
               error_r);
}

bool users_set(struct users *u, const char *user, const char *name, const char *value,
               char **error_r)
{
    g_autofree char *whom = canonical(user, error_r);
    if (!whom)
        return false;
    g_autofree char *normal = value ? user_settings_normal(name, value) : NULL;
    const char *texts[] = {whom, name, normal};
    bool ok = false;
    if (!value)
        ok = run(u, "DELETE FROM setting WHERE user = ?1 AND name = ?2", texts, 2, error_r);
    else if (normal)
        ok = run(u, "INSERT OR REPLACE INTO setting VALUES (?1, ?2, ?3)", texts, 3, error_r);
    else
        *error_r = g_strdup(user_settings_expected(name));
    return ok && (!value || add_folded(u, whom, error_r));
}

static bool forget(struct users *u, const char *user, char **error_r)
{
    const char *texts[] = {user};
    return run(u, "DELETE FROM setting WHERE user = ?1", texts, 1, error_r) &&
           run(u, "DELETE FROM alias WHERE member = ?1", texts, 1, error_r);
}

/* An export of an older version may have it. */
static bool was_noop(const char *name, const char *value)
{
    return strcmp(name, "protect_headers") == 0 && strcmp(value, "yes") == 0;
}

bool users_replace(struct users *u, const char *user, const GPtrArray *settings,
                   const GPtrArray *aliases, char **error_r)
{
    g_autofree char *whom = canonical(user, error_r);
    bool ok = whom && run(u, "BEGIN IMMEDIATE", NULL, 0, error_r);
    if (!ok)
        return false;
    ok = forget(u, whom, error_r);
    for (guint i = 0; ok && settings && i + 1 < settings->len; i += 2)
        ok = was_noop(settings->pdata[i], settings->pdata[i + 1]) ||
             users_set(u, whom, settings->pdata[i], settings->pdata[i + 1], error_r);
    for (guint i = 0; ok && aliases && i < aliases->len; i++)
        ok = users_alias_add(u, aliases->pdata[i], whom, error_r);
    ok = ok && run(u, "COMMIT", NULL, 0, error_r);
    if (!ok)
        store_run(u->db, "ROLLBACK", NULL, 0);
    return ok;
}

bool users_forget(struct users *u, const char *user, char **error_r)
{
    return users_replace(u, user, NULL, NULL, error_r);
}
