/* Aliases, settings and existence of users, from users.db and the keys' folder. Called by the sessions for
 * every recipient, by the keeper and by filterctl. */
#include "base/config/users.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/address.h"
#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users_state.h"
#include "base/config/users_upgrade.h"
#include "base/log.h"
#include "base/store.h"

#define ALIAS_DEPTH_MAX 100

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS alias (address TEXT NOT NULL, member TEXT NOT NULL,"
    " PRIMARY KEY (address, member));"
    "CREATE INDEX IF NOT EXISTS alias_member ON alias (member);"
    "CREATE TABLE IF NOT EXISTS setting (user TEXT NOT NULL, name TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (user, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS key (user TEXT PRIMARY KEY) WITHOUT ROWID;";
static const struct store_schema schema = {
    .version = USERS_VERSION, .tables = tables, .upgrade = users_upgrade};

static struct users *users_new(const char *state_dir, bool for_writing)
{
    struct users *u = g_new0(struct users, 1);
    u->state_dir = g_strdup(state_dir);
    u->path = g_build_filename(state_dir, "users.db", NULL);
    u->for_writing = u->logs = for_writing;
    return u;
}

/* Readers take a file of version 1 as it is until the keeper has upgraded it. */
static bool open_file(struct users *u, char **error_r)
{
    if (!store_open(u->path, u->for_writing, &schema, &u->db, error_r))
        return false;
    sqlite3_stmt *st = u->db ? store_prepare(u->db, "SELECT 1 FROM sqlite_schema WHERE name = 'key'", NULL, 0) : NULL;
    const int step = st ? sqlite3_step(st) : SQLITE_ERROR;
    u->has_notes = step == SQLITE_ROW;
    sqlite3_finalize(st);
    if (step == SQLITE_ROW || step == SQLITE_DONE)
        return true;
    if (!u->db && !u->expects_file)
        return true;
    *error_r = g_strdup_printf("%s: %s", u->path, u->db ? sqlite3_errmsg(u->db) : "is not there");
    store_close(&u->db);
    return false;
}

struct users *users_open(const char *state_dir, bool for_writing, char **error_r)
{
    struct users *u = users_new(state_dir, for_writing);
    if (!open_file(u, error_r))
        users_free(&u);
    return u;
}

void users_expect_file(struct users *u)
{
    u->expects_file = true;
}

void users_let_go(struct users *u)
{
    store_close(&u->db);
}

void users_free(struct users **u)
{
    if (!*u)
        return;
    store_close(&(*u)->db);
    g_free((*u)->state_dir);
    g_free((*u)->path);
    g_free((*u)->error);
    g_clear_pointer(u, g_free);
}

/* Records how the last read ended: error (taken over) or NULL for success. Logs the first of several failures
 * in a row. */
static void note(struct users *u, char *error)
{
    if (error && !u->failed && u->logs)
        log_warn("aliases and settings of users cannot be read: %s", error);
    u->failed = error != NULL;
    if (!error)
        return;
    g_free(u->error);
    u->error = error;
}

const char *users_error(const struct users *u)
{
    return u->error;
}

/* After a failed read a reader closes the file and opens it anew next time: SQLite caches pages until the file
 * changes, including one that was read wrongly. */
static void mistrust(struct users *u)
{
    note(u, g_strdup_printf("%s: %s", u->path, sqlite3_errmsg(u->db)));
    if (!u->for_writing)
        store_close(&u->db);
}

/* Opens the file if it is not open: the keeper may have created it meanwhile, and a worker must see its first
 * alias. */
static bool look_again(struct users *u)
{
    char *error = NULL;
    if (u->db || open_file(u, &error))
        return true;
    note(u, error);
    return false;
}

struct users *users_watch(const char *state_dir)
{
    struct users *u = users_new(state_dir, false);
    u->logs = true;
    look_again(u);
    return u;
}

static void run_cached(struct users *u, const char *sql)
{
    sqlite3_stmt *st = store_cached(u->db, sql, NULL, 0);
    if (st)
        sqlite3_step(st);
    store_done(st);
}

/* If BEGIN fails, each query still works, in a transaction of its own. */
void users_hold(struct users *u)
{
    if (u && u->held++ == 0 && look_again(u) && u->db)
        run_cached(u, "BEGIN");
}

void users_release(struct users *u)
{
    if (u && --u->held == 0 && u->db && !sqlite3_get_autocommit(u->db))
        run_cached(u, "COMMIT");
}

/* Appends the columns of all rows, in order, to texts (of char*). text is bound to ?1 and may be NULL. False if
 * a read failed; the rows before that are in texts. No file: no rows. */
static bool read_rows(struct users *u, const char *sql, const char *text, GPtrArray *texts)
{
    if (!look_again(u))
        return false;
    if (!u->db)
        return true;
    sqlite3_stmt *statement = store_cached(u->db, sql, &text, 1);
    int step = SQLITE_ERROR;
    while (statement && (step = sqlite3_step(statement)) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            g_ptr_array_add(texts, g_strdup((const char *)sqlite3_column_text(statement, i)));
    store_done(statement);
    if (step == SQLITE_DONE)
        note(u, NULL);
    else
        mistrust(u);
    return step == SQLITE_DONE;
}

/* The only column of all rows, as char*; NULL on error, empty without a file. */
static GPtrArray *column(struct users *u, const char *sql, const char *text)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(g_free);
    if (!read_rows(u, sql, text, rows))
        g_clear_pointer(&rows, g_ptr_array_unref);
    return rows;
}

static GPtrArray *members(struct users *u, const char *address)
{
    return column(u, "SELECT member FROM alias WHERE address = ?1 ORDER BY member", address);
}

/* lstat, not stat: a dangling link is a broken key, not a user without a key, whose mail would go unsealed. */
static enum users_result has_key(const struct users *u, const char *user)
{
    struct stat st;
    /* Look for the folder, not for the link in it: if that link is lost, the user still has a key. */
    g_autofree char *path = users_key_dir(u->state_dir, user);
    enum users_result result = lstat(path, &st) == 0                    ? USERS_FOUND
                               : errno == ENOENT || errno == ENOTDIR ? USERS_UNKNOWN
                                                                     : USERS_TEMP;
    return result;
}

static enum users_result has_row(struct users *u, const char *sql, const char *user)
{
    GPtrArray *rows = column(u, sql, user);
    enum users_result result = !rows ? USERS_TEMP : rows->len ? USERS_FOUND : USERS_UNKNOWN;
    if (rows)
        g_ptr_array_unref(rows);
    return result;
}

/* In a file that an older filterd made there is no table; it may have been upgraded meanwhile. */
static bool knows_notes(struct users *u)
{
    if (look_again(u) && u->db && !u->has_notes && !u->for_writing) {
        GPtrArray *rows = column(u, "SELECT 1 FROM sqlite_schema WHERE name = 'key' AND ?1 IS NULL", NULL);
        u->has_notes = rows && rows->len;
        if (rows)
            g_ptr_array_unref(rows);
    }
    return u->has_notes;
}

enum users_result users_key_noted(struct users *u, const char *user)
{
    if (knows_notes(u))
        return has_row(u, "SELECT user FROM key WHERE user = ?1", user);
    return u->failed ? USERS_TEMP : USERS_UNKNOWN;
}

/* Does the user exist by a key or a setting? */
static enum users_result exists_itself(struct users *u, const char *user)
{
    enum users_result result = has_key(u, user);
    if (result == USERS_UNKNOWN)
        result = has_row(u,
                         knows_notes(u) ? "SELECT user FROM setting WHERE user = ?1"
                                          " UNION ALL SELECT user FROM key WHERE user = ?1 LIMIT 1"
                                        : "SELECT user FROM setting WHERE user = ?1 LIMIT 1",
                         user);
    return result;
}

enum users_result users_exists(struct users *u, const char *user)
{
    enum users_result result = exists_itself(u, user);
    if (result == USERS_UNKNOWN)
        result = has_row(u, "SELECT member FROM alias WHERE member = ?1 LIMIT 1", user);
    return result;
}

struct expansion {
    struct users *u;
    const char *delimiters;
    GHashTable *open; /* aliases being expanded, to detect loops */
    GHashTable *done;
    GPtrArray *found;
};

static void add_user(GPtrArray *users, const char *user)
{
    if (!g_ptr_array_find_with_equal_func(users, user, g_str_equal, NULL))
        g_ptr_array_add(users, g_strdup(user));
}

static bool expand(struct expansion *x, const char *address, unsigned depth);

/* Adds a member that is no alias itself. "bob+lists" becomes bob, if bob exists and bob+lists does not: bob's
 * mail must not go unsealed for want of a key of bob+lists. */
static bool add_member(struct expansion *x, const char *member, unsigned depth)
{
    g_autofree char *base = address_without_extension(member, x->delimiters);
    enum users_result own = base ? exists_itself(x->u, member) : USERS_FOUND;
    enum users_result other = USERS_UNKNOWN;
    if (own == USERS_UNKNOWN)
        other = has_row(x->u, "SELECT member FROM alias WHERE address = ?1 LIMIT 1", base);
    if (other == USERS_UNKNOWN && own == USERS_UNKNOWN)
        other = users_exists(x->u, base);
    bool ok = own != USERS_TEMP && other != USERS_TEMP;
    bool loop = other == USERS_FOUND && g_hash_table_contains(x->open, base);
    if (ok && loop)
        add_user(x->found, base);
    else if (ok && other == USERS_FOUND && depth < ALIAS_DEPTH_MAX)
        ok = expand(x, base, depth + 1);
    else if (ok)
        add_user(x->found, member);
    return ok;
}

/* False on a database error. An alias that leads back to itself is added as a user. */
static bool expand(struct expansion *x, const char *address, unsigned depth)
{
    GPtrArray *list = members(x->u, address);
    if (!list)
        return false;
    if (!list->len || depth >= ALIAS_DEPTH_MAX) {
        g_ptr_array_unref(list);
        return !depth || add_member(x, address, depth);
    }
    bool ok = true;
    char *self = g_strdup(address);
    g_hash_table_add(x->open, self);
    for (guint i = 0; i < list->len && ok; i++) {
        const char *member = list->pdata[i];
        if (g_hash_table_contains(x->open, member))
            add_user(x->found, member);
        else if (g_hash_table_add(x->done, g_strdup(member)))
            ok = expand(x, member, depth + 1);
    }
    g_hash_table_remove(x->open, self);
    g_ptr_array_unref(list);
    return ok;
}

static enum users_result resolve_exact(struct users *u, const char *address,
                                       const char *delimiters, GPtrArray *found)
{
    struct expansion x = {.u = u, .delimiters = delimiters, .found = found};
    const guint before = found->len;
    x.open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    x.done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool ok = expand(&x, address, 0);
    g_hash_table_unref(x.open);
    g_hash_table_unref(x.done);
    if (!ok)
        return USERS_TEMP;
    if (found->len > before)
        return USERS_FOUND;
    enum users_result result = users_exists(u, address);
    if (result == USERS_FOUND)
        add_user(found, address);
    return result;
}

/* Postfix splits an extension off at the first delimiter, Dovecot may have others set: with several delimiters in
 * the name, anna-lena+x is anna's or anna-lena's. Whoever exists of them has to be able to read it. */
static enum users_result resolve_bases(struct users *u, const char *address, const char *delimiters,
                                       GPtrArray *found)
{
    enum users_result result = USERS_UNKNOWN;
    for (char *rest = g_strdup(address), *base; rest; rest = base) {
        base = address_without_last_extension(rest, delimiters);
        const enum users_result one = base ? resolve_exact(u, base, delimiters, found) : USERS_UNKNOWN;
        result = one == USERS_UNKNOWN || result == USERS_TEMP ? result : one;
        g_free(rest);
    }
    return result;
}

static enum users_result resolve_whole(struct users *u, const char *address, const char *delimiters,
                                       GPtrArray *found)
{
    const enum users_result result = resolve_exact(u, address, delimiters, found);
    return result == USERS_UNKNOWN ? resolve_bases(u, address, delimiters, found) : result;
}

/* An alias of a whole domain: Postfix looks for it last. "@old.example" for "@example.com" keeps the local part;
 * another member gets what comes for anybody else there. */
static enum users_result resolve_domain(struct users *u, const char *address, const char *delimiters, bool rest,
                                        GPtrArray *found)
{
    const char *at = strrchr(address, '@');
    if (!at || at == address)
        return USERS_UNKNOWN;
    GPtrArray *list = members(u, at);
    enum users_result result = list ? USERS_UNKNOWN : USERS_TEMP;
    for (guint i = 0; list && i < list->len && result != USERS_TEMP; i++) {
        const char *member = list->pdata[i];
        g_autofree char *other = *member == '@' ? g_strdup_printf("%.*s%s", (int)(at - address), address, member)
                                                : g_strdup(member);
        const enum users_result one =
            rest || *member == '@' ? resolve_whole(u, other, delimiters, found) : USERS_UNKNOWN;
        result = one == USERS_UNKNOWN ? result : one;
    }
    if (list)
        g_ptr_array_unref(list);
    return result;
}

static enum users_result resolve(struct users *u, const char *address, const char *delimiters, bool rest,
                                 GPtrArray **users_r)
{
    *users_r = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *whole = address_canonical(address);
    if (!whole)
        return USERS_UNKNOWN;
    enum users_result result = resolve_whole(u, whole, delimiters, *users_r);
    if (result == USERS_UNKNOWN)
        result = resolve_domain(u, whole, delimiters, rest, *users_r);
    if (result != USERS_FOUND)
        g_ptr_array_set_size(*users_r, 0);
    return result;
}

enum users_result users_resolve(struct users *u, const char *address, const char *delimiters,
                                GPtrArray **users_r)
{
    return resolve(u, address, delimiters, true, users_r);
}

enum users_result users_resolve_named(struct users *u, const char *address, const char *delimiters,
                                      GPtrArray **users_r)
{
    return resolve(u, address, delimiters, false, users_r);
}

enum users_result users_of_login(struct users *u, const char *login, const struct settings *s,
                                 char **user_r)
{
    GPtrArray *found;
    const bool bare = s->domains && s->domains[0] && !s->domains[1] && !strchr(login, '@');
    g_autofree char *whole = bare ? g_strdup_printf("%s@%s", login, s->domains[0]) : g_strdup(login);
    enum users_result result = users_resolve(u, login, s->recipient_delimiter, &found);
    if (bare && result == USERS_UNKNOWN) {
        g_ptr_array_unref(found);
        result = users_resolve(u, whole, s->recipient_delimiter, &found);
    }
    *user_r = result == USERS_TEMP ? NULL : address_canonical(whole);
    if (result == USERS_FOUND && !g_ptr_array_find_with_equal_func(found, *user_r, g_str_equal, NULL)) {
        g_free(*user_r);
        *user_r = found->len == 1 ? g_strdup(found->pdata[0]) : NULL;
    }
    g_ptr_array_unref(found);
    return *user_r || result == USERS_TEMP ? result : USERS_UNKNOWN;
}

/* Reads all rows before the first call of fn, which may query the database itself. */
bool users_alias_each(struct users *u, void (*fn)(const char *, const char *, void *), void *arg)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    const bool all = read_rows(
        u, "SELECT address, member FROM alias WHERE ?1 IS NULL ORDER BY address, member", NULL, texts);
    for (guint i = 0; i + 1 < texts->len; i += 2)
        fn(texts->pdata[i], texts->pdata[i + 1], arg);
    g_ptr_array_unref(texts);
    return all;
}

bool users_key_each(struct users *u, void (*fn)(const char *user, void *arg), void *arg)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    const bool all = knows_notes(u) ? read_rows(u, "SELECT user FROM key WHERE ?1 IS NULL ORDER BY user", NULL, texts)
                                    : !u->failed;
    for (guint i = 0; i < texts->len; i++)
        fn(texts->pdata[i], arg);
    g_ptr_array_unref(texts);
    return all;
}

bool users_settings(struct users *u, const char *user, struct user_settings *s)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    const bool all = read_rows(u, "SELECT name, value FROM setting WHERE user = ?1", user, texts);
    for (guint i = 0; all && i + 1 < texts->len; i += 2)
        user_settings_take(s, texts->pdata[i], texts->pdata[i + 1]);
    g_ptr_array_unref(texts);
    return all;
}

bool users_setting_each(struct users *u, const char *user,
                        void (*fn)(const char *user, const char *name, const char *value, void *),
                        void *arg)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    const bool all = read_rows(u,
                               "SELECT user, name, value FROM setting"
                               " WHERE ?1 IS NULL OR user = ?1 ORDER BY user, name",
                               user, texts);
    for (guint i = 0; i + 2 < texts->len; i += 3)
        fn(texts->pdata[i], texts->pdata[i + 1], texts->pdata[i + 2], arg);
    g_ptr_array_unref(texts);
    return all;
}

static char *below(const char *state_dir, const char *folder, const char *user, const char *ending)
{
    g_autofree char *name = address_to_file_name(user);
    g_autofree char *file = g_strconcat(name, ending, NULL);
    char *path = g_build_filename(state_dir, folder, file, NULL);
    return path;
}

char *users_key_dir(const char *state_dir, const char *user)
{
    return below(state_dir, "keys", user, "");
}

char *users_store_path(const char *state_dir, const char *user)
{
    return below(state_dir, "users", user, ".db");
}
