/* Opens and reads model files. Called by classifier.c, by the keeper, which alone writes them, and by
 * filterctl. */
#include "classifier/model.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/config/users.h"
#include "base/store.h"
#include "classifier/daykey.h"
#include "classifier/model_state.h"

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS owner(user TEXT NOT NULL);"
    /* The BLOBs have a table of their own: SQLite overwrites a row in place if its length stays the same. */
    "CREATE TABLE IF NOT EXISTS checkpoint(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " weights BLOB NOT NULL, counts BLOB NOT NULL, touched BLOB NOT NULL);"
    /* applied: id of the last journal row that the checkpoint includes. */
    "CREATE TABLE IF NOT EXISTS learnt(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " applied INTEGER NOT NULL, spam INTEGER NOT NULL, ham INTEGER NOT NULL,"
    " counted_spam INTEGER NOT NULL, counted_ham INTEGER NOT NULL);"
    /* The day the period began, and the number of messages learnt by then. */
    "CREATE TABLE IF NOT EXISTS period(id INTEGER PRIMARY KEY CHECK(id = 1), day TEXT NOT NULL,"
    " learnt INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS record(signature TEXT PRIMARY KEY, day TEXT NOT NULL,"
    " class TEXT NOT NULL, score REAL NOT NULL, state INTEGER NOT NULL, taught TEXT,"
    " sealed BLOB NOT NULL, header INTEGER NOT NULL DEFAULT 0, body INTEGER NOT NULL DEFAULT 0,"
    " counts INTEGER NOT NULL DEFAULT 0, heard INTEGER NOT NULL DEFAULT 0,"
    " site_header INTEGER NOT NULL DEFAULT 0, site_body INTEGER NOT NULL DEFAULT 0,"
    /* Not WITHOUT ROWID: in a primary key's tree each of these rows would take a whole page. */
    " site_counts INTEGER NOT NULL DEFAULT 0, site_heard INTEGER NOT NULL DEFAULT 0,"
    " rules REAL NOT NULL DEFAULT 0, correspondent TEXT, counted TEXT);"
    "CREATE INDEX IF NOT EXISTS record_day ON record(day);"
    /* Which record holds the features that were learnt from a message's text, by a keyed digest of them. */
    "CREATE TABLE IF NOT EXISTS content(digest TEXT PRIMARY KEY, signature TEXT NOT NULL,"
    " day TEXT NOT NULL) WITHOUT ROWID;"
    /* AUTOINCREMENT: readers rely on ids that are never reused. */
    "CREATE TABLE IF NOT EXISTS journal(id INTEGER PRIMARY KEY AUTOINCREMENT, day TEXT NOT NULL,"
    " kind TEXT NOT NULL, signature TEXT, spam INTEGER NOT NULL, header INTEGER NOT NULL,"
    " body INTEGER NOT NULL, counts INTEGER NOT NULL, heard INTEGER NOT NULL, places BLOB);"
    "CREATE INDEX IF NOT EXISTS journal_kind ON journal(kind, day);"
    /* Counts of each known sender's mail (see known_sender.h). */
    "CREATE TABLE IF NOT EXISTS correspondent(id TEXT PRIMARY KEY, ham INTEGER NOT NULL,"
    " spam INTEGER NOT NULL, day TEXT NOT NULL) WITHOUT ROWID;";

/* Version 0 covers all files from before versions were recorded; the oldest lack some columns. */
static int upgrade(sqlite3 *db, int from)
{
    sqlite3_stmt *st = store_prepare(db, "SELECT counted FROM record LIMIT 0", NULL, 0);
    const bool complete = st != NULL;
    sqlite3_finalize(st);
    if (from > 0 || complete)
        return SQLITE_OK;
    return sqlite3_exec(db,
                        "ALTER TABLE record ADD COLUMN rules REAL NOT NULL DEFAULT 0;"
                        "ALTER TABLE record ADD COLUMN correspondent TEXT;"
                        "ALTER TABLE record ADD COLUMN counted TEXT;",
                        NULL, NULL, NULL);
}

static const struct store_schema schema = {
    .version = MODEL_VERSION, .tables = tables, .upgrade = upgrade};

struct model *model_open_file(const char *path, bool for_writing, char **error_r)
{
    struct model *m = g_new0(struct model, 1);
    struct stat st;
    *error_r = NULL;
    m->path = g_strdup(path);
    if (!store_open(path, for_writing, &schema, &m->db, error_r) || !m->db) {
        model_free(&m);
        return NULL;
    }
    if (stat(path, &st) == 0) {
        m->dev = st.st_dev;
        m->ino = st.st_ino;
    }
    return m;
}

/* The file name of a long address is shortened, so the file itself records the whole address. */
struct model *model_open(const char *state_dir, const char *user, bool for_writing,
                         char **error_r)
{
    g_autofree char *path = users_store_path(state_dir, user);
    struct model *m = model_open_file(path, for_writing, error_r);
    if (m && for_writing &&
        !store_run(m->db,
                   "INSERT INTO owner(user) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM owner)",
                   &user, 1)) {
        *error_r = g_strdup_printf("%s: not writable", path);
        model_free(&m);
    }
    return m;
}

bool model_user(struct model *m, char **user_r)
{
    sqlite3_stmt *st = store_prepare(m->db, "SELECT user FROM owner", NULL, 0);
    const int step = st ? sqlite3_step(st) : SQLITE_ERROR;
    *user_r = step == SQLITE_ROW ? g_strdup((const char *)sqlite3_column_text(st, 0)) : NULL;
    sqlite3_finalize(st);
    return step == SQLITE_ROW || step == SQLITE_DONE;
}

void model_free(struct model **m)
{
    if (!*m)
        return;
    store_close(&(*m)->db);
    g_free((*m)->path);
    g_free((*m)->learner);
    g_free(*m);
    *m = NULL;
}

GPtrArray *model_files(const char *state_dir, const char *suffix)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = g_build_filename(state_dir, "users", NULL);
    DIR *dir = opendir(folder);
    bool all = dir || errno == ENOENT;
    while (dir) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e) {
            all = errno == 0;
            break;
        }
        if (g_str_has_suffix(e->d_name, suffix))
            g_ptr_array_add(found, g_build_filename(folder, e->d_name, NULL));
    }
    if (dir)
        closedir(dir);
    if (!all)
        g_clear_pointer(&found, g_ptr_array_unref);
    return found;
}

bool model_is_stale(const struct model *m)
{
    struct stat st;
    return stat(m->path, &st) != 0 || st.st_dev != m->dev || st.st_ino != m->ino;
}

bool model_begin(struct model *m)
{
    return store_run(m->db, "BEGIN IMMEDIATE", NULL, 0);
}

bool model_end(struct model *m, bool commit)
{
    if (commit && store_run(m->db, "COMMIT", NULL, 0))
        return true;
    /* The learner in memory may now be ahead of the file. */
    g_clear_pointer(&m->learner, g_free);
    if (!sqlite3_get_autocommit(m->db))
        store_run(m->db, "ROLLBACK", NULL, 0);
    return false;
}

gint64 model_number(struct model *m, const char *sql, const char *text, gint64 otherwise)
{
    sqlite3_stmt *st = store_cached(m->db, sql, &text, text ? 1 : 0);
    gint64 n = otherwise;
    if (st && sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
        n = sqlite3_column_int64(st, 0);
    store_done(st);
    return n;
}

bool model_has_moves_since(struct model *m, const char *day)
{
    return model_number(m, "SELECT 1 FROM journal WHERE kind = 'move' AND day >= ? LIMIT 1", day,
                        0) == 1;
}

/* Reads the number that the query returns. False if it returns none. */
static bool read_number(struct model *m, const char *sql, const char *text, gint64 *number_r)
{
    sqlite3_stmt *st = store_prepare(m->db, sql, &text, text ? 1 : 0);
    const bool ok = st && sqlite3_step(st) == SQLITE_ROW;
    *number_r = ok ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    return ok;
}

/* Messages learnt: in the checkpoint plus in the journal rows after it. */
#define LEARNT(column, spam)                                            \
    "SELECT (SELECT coalesce(sum(" column "), 0) FROM learnt) + "       \
    "(SELECT total(heard) FROM journal WHERE spam = " spam              \
    " AND id > coalesce((SELECT applied FROM learnt), 0))"

static bool take_last_move(struct model *m, struct model_figures *f)
{
    sqlite3_stmt *st =
        store_prepare(m->db, "SELECT max(day) FROM journal WHERE kind = 'move'", NULL, 0);
    const bool ok = st && sqlite3_step(st) == SQLITE_ROW;
    if (ok && sqlite3_column_text(st, 0))
        g_strlcpy(f->last_move, (const char *)sqlite3_column_text(st, 0), sizeof f->last_move);
    sqlite3_finalize(st);
    return ok;
}

bool model_figures(struct model *m, struct model_figures *f)
{
    g_autofree char *week = daykey_day(7);
    *f = (struct model_figures){0};
    const bool ok =
        read_number(m, LEARNT("spam", "1"), NULL, &f->spam) && read_number(m, LEARNT("ham", "0"), NULL, &f->ham) &&
        read_number(m, "SELECT count(*) FROM record WHERE state < 2", NULL, &f->records) &&
        read_number(m, "SELECT count(*) FROM journal WHERE kind = 'move'", NULL, &f->moves) &&
        read_number(m, "SELECT count(*) FROM record WHERE state = 1 AND day > ?", week, &f->delivered) &&
        take_last_move(m, f);
    return ok;
}

bool model_is_empty(struct model *m)
{
    return model_number(m,
                        "SELECT NOT EXISTS (SELECT 1 FROM record) AND NOT EXISTS (SELECT 1 FROM journal)"
                        " AND NOT EXISTS (SELECT 1 FROM correspondent)"
                        " AND NOT EXISTS (SELECT 1 FROM learnt WHERE spam <> 0 OR ham <> 0)",
                        NULL, 0) == 1;
}

bool model_is_silent(const struct model_figures *f)
{
    g_autofree char *since = daykey_day(MODEL_SILENT_DAYS);
    const bool silent = f->delivered > 0 && strcmp(f->last_move, since) < 0;
    return silent;
}

struct sqlite3 *model_db(struct model *m)
{
    return m->db;
}
