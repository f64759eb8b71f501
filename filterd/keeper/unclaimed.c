/* The common store of records of unclaimed addresses. Called by pending.c, train_request.c, model_store_state.c
 * and housekeeping.c; filterctl reads it. */
#include "filterd/keeper/unclaimed.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config/users.h"
#include "base/log.h"
#include "base/store.h"

/* Rows that go at a time when the store is full. */
#define OLDEST_ROWS "256"

char *unclaimed_path(const char *state_dir)
{
    return g_build_filename(state_dir, "unclaimed.db", NULL);
}

static struct model *open_store(struct model_store *l, char **error_r)
{
    g_autofree char *path = unclaimed_path(l->settings->state_dir);
    if (l->unclaimed && !model_is_stale(l->unclaimed))
        return l->unclaimed;
    model_free(&l->unclaimed);
    return l->unclaimed = model_open_file(path, true, error_r);
}

/* NULL: there is none, so nothing is in it. */
static struct model *existing_store(struct model_store *l)
{
    g_autofree char *path = unclaimed_path(l->settings->state_dir), *error = NULL;
    struct model *m = NULL;
    if (l->unclaimed || g_file_test(path, G_FILE_TEST_EXISTS))
        m = open_store(l, &error);
    if (error)
        log_warn("%s", error);
    return m;
}

enum unclaimed_state unclaimed_by_tables(struct model_store *l, const char *user)
{
    GPtrArray *found;
    const enum users_result known = users_resolve(l->users, user, l->settings->recipient_delimiter, &found);
    /* Not an alias that stands for others, nor a user's address with an extension. */
    const bool itself = g_ptr_array_find_with_equal_func(found, user, g_str_equal, NULL);
    g_ptr_array_unref(found);
    if (known == USERS_TEMP)
        return UNCLAIMED_UNSURE;
    return itself ? UNCLAIMED_NO : UNCLAIMED_YES;
}

enum unclaimed_state unclaimed_by_store(struct model_store *l, const char *user)
{
    struct stat st;
    g_autofree char *path = users_store_path(l->settings->state_dir, user);
    if (g_hash_table_contains(l->models, user) || stat(path, &st) == 0)
        return UNCLAIMED_NO;
    return errno == ENOENT ? UNCLAIMED_YES : UNCLAIMED_UNSURE;
}

enum unclaimed_state unclaimed_state(struct model_store *l, const char *user)
{
    const enum unclaimed_state state = unclaimed_by_store(l, user);
    return state == UNCLAIMED_YES ? unclaimed_by_tables(l, user) : state;
}

bool unclaimed_wants_own(struct model_store *l, const char *user, bool named)
{
    return (named ? unclaimed_by_store(l, user) : unclaimed_state(l, user)) == UNCLAIMED_NO;
}

/* ---- keys of rows ---- */

static char *key_of(const char *user, const char *signature)
{
    return g_strconcat(user, "\n", signature, NULL);
}

/* An address holds no line feed, so all keys of a user, and no others, lie between these two. */
#define OF_USER " WHERE signature > ?1 || char(10) AND signature < ?1 || char(11)"

bool unclaimed_has_any(struct model_store *l, const char *user)
{
    struct model *m = existing_store(l);
    sqlite3_stmt *st = m ? store_cached(model_db(m), "SELECT 1 FROM record" OF_USER " LIMIT 1", &user, 1) : NULL;
    const bool any = st && sqlite3_step(st) == SQLITE_ROW;
    store_done(st);
    return any;
}

bool unclaimed_has_many(struct model_store *l, const char *user)
{
    struct model *m = existing_store(l);
    sqlite3_stmt *st = m ? store_cached(model_db(m), "SELECT 1 FROM record" OF_USER " LIMIT 1 OFFSET 7", &user, 1) : NULL;
    const bool many = st && sqlite3_step(st) == SQLITE_ROW;
    G_STATIC_ASSERT(UNCLAIMED_MANY == 7 + 1);
    store_done(st);
    return many;
}

/* ---- adding ---- */

bool unclaimed_begin(struct model_store *l, char **error_r)
{
    struct model *m = open_store(l, error_r);
    if (m && model_begin(m))
        return true;
    if (!*error_r)
        *error_r = g_strdup("unclaimed.db cannot be written");
    return false;
}

bool unclaimed_add(struct model_store *l, const char *user, const struct record *r)
{
    g_autofree char *key = key_of(user, r->signature);
    struct record here = *r;
    here.signature = key;
    return record_add(l->unclaimed, &here);
}

static void add_once(GPtrArray *names, char *name)
{
    if (g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_free(name);
    else
        g_ptr_array_add(names, name);
}

GPtrArray *unclaimed_oldest(struct model_store *l, gint64 *last_r)
{
    GPtrArray *users = g_ptr_array_new_with_free_func(g_free);
    sqlite3_stmt *st = NULL;
    *last_r = 0;
    if (store_bytes(model_db(l->unclaimed)) > l->unclaimed_bytes)
        st = store_prepare(model_db(l->unclaimed),
                           "SELECT signature, rowid FROM record ORDER BY rowid LIMIT " OLDEST_ROWS, NULL, 0);
    while (st && sqlite3_step(st) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(st, 0);
        add_once(users, g_strndup(key, strcspn(key, "\n")));
        *last_r = sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    return users;
}

bool unclaimed_drop(struct model_store *l, gint64 last)
{
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, last);
    return store_run(model_db(l->unclaimed), "DELETE FROM record WHERE rowid <= CAST(?1 AS INTEGER)",
                     (const char *const[]){number}, 1);
}

bool unclaimed_end(struct model_store *l, bool commit)
{
    return model_end(l->unclaimed, commit);
}

/* ---- confirming, moving, forgetting ---- */

bool unclaimed_confirm(struct model_store *l, const char *user, const char *signature)
{
    struct model *m = existing_store(l);
    g_autofree char *key = key_of(user, signature);
    struct record *r = m ? record_get(m, key) : NULL;
    const bool found = r != NULL;
    if (r && r->state != RECORD_DELIVERED) {
        r->state = RECORD_DELIVERED;
        if (!record_update(m, r))
            log_warn("unclaimed.db cannot be written");
    }
    record_free(&r);
    return found;
}

static GPtrArray *signatures_of(struct model *m, const char *user)
{
    GPtrArray *signatures = g_ptr_array_new_with_free_func(g_free);
    sqlite3_stmt *st = store_prepare(model_db(m), "SELECT signature FROM record" OF_USER " ORDER BY rowid", &user, 1);
    while (st && sqlite3_step(st) == SQLITE_ROW)
        g_ptr_array_add(signatures, g_strdup((const char *)sqlite3_column_text(st, 0) + strlen(user) + 1));
    sqlite3_finalize(st);
    return signatures;
}

static bool copy_one(struct model *from, const char *user, const char *signature, struct model *to)
{
    g_autofree char *key = key_of(user, signature);
    struct record *r = record_get(from, key), *there = record_get(to, signature);
    bool ok = r != NULL;
    if (r && !there) {
        g_free(r->signature);
        r->signature = g_strdup(signature);
        ok = record_add(to, r);
    }
    record_free(&r);
    record_free(&there);
    return ok;
}

bool unclaimed_forget(struct model_store *l, const char *user)
{
    struct model *m = existing_store(l);
    return !m || !unclaimed_has_any(l, user) || store_run(model_db(m), "DELETE FROM record" OF_USER, &user, 1);
}

bool unclaimed_move(struct model_store *l, const char *user, struct model *to)
{
    struct model *m = unclaimed_has_any(l, user) ? l->unclaimed : NULL;
    if (!m)
        return true;
    GPtrArray *signatures = signatures_of(m, user);
    bool ok = model_begin(to);
    if (ok) {
        for (guint i = 0; ok && i < signatures->len; i++)
            ok = copy_one(m, user, signatures->pdata[i], to);
        ok = model_end(to, ok);
    }
    g_ptr_array_unref(signatures);
    return ok && unclaimed_forget(l, user);
}

void unclaimed_forget_before(struct model_store *l, const char *day)
{
    struct model *m = existing_store(l);
    if (m && !store_run(model_db(m), "DELETE FROM record WHERE day < ?", &day, 1))
        log_warn("unclaimed.db cannot be written: old records stay");
}

/* ---- for readers ---- */

struct record *unclaimed_find(struct model *m, const char *wanted, const char *signature, char **user_r)
{
    sqlite3_stmt *st = store_prepare(model_db(m), "SELECT signature FROM record WHERE"
                                     " substr(signature, instr(signature, char(10)) + 1) = ?1", &signature, 1);
    struct record *r = NULL;
    while (st && !r && sqlite3_step(st) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(st, 0);
        *user_r = g_strndup(key, strcspn(key, "\n"));
        if (!wanted || strcmp(*user_r, wanted) == 0)
            r = record_get(m, key);
        else
            g_clear_pointer(user_r, g_free);
    }
    sqlite3_finalize(st);
    if (r) {
        g_free(r->signature);
        r->signature = g_strdup(signature); /* it is sealed under this one */
    }
    return r;
}
