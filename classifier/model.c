#include "classifier/model.h"

#include <string.h>
#include <sys/stat.h>

#include "base/store.h"
#include "base/users.h"
#include "classifier/daykey.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS owner(user TEXT NOT NULL);"
    /* Two tables: a BLOB whose row keeps its length is overwritten in place. */
    "CREATE TABLE IF NOT EXISTS model(id INTEGER PRIMARY KEY CHECK(id = 1), weights BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS learnt(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " spam INTEGER NOT NULL, ham INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS record(signature TEXT PRIMARY KEY, day TEXT NOT NULL,"
    " class TEXT NOT NULL, score REAL NOT NULL, state INTEGER NOT NULL, taught TEXT,"
    " steps INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS record_day ON record(day);"
    "CREATE TABLE IF NOT EXISTS journal(id INTEGER PRIMARY KEY, day TEXT NOT NULL,"
    " kind TEXT NOT NULL, signature TEXT, class TEXT NOT NULL, steps INTEGER NOT NULL);";

struct model {
    sqlite3 *db;
    char *path;
    dev_t dev;
    ino_t ino;
    gint64 version; /* PRAGMA data_version when the learner was read */
    struct learner *learner;
};

struct model *model_open_file(const char *path, bool for_writing, char **error_r)
{
    struct model *m = g_new0(struct model, 1);
    struct stat st;
    *error_r = NULL;
    m->path = g_strdup(path);
    if (!store_open(path, for_writing, schema, &m->db, error_r) || !m->db) {
        model_free(&m);
        return NULL;
    }
    if (stat(path, &st) == 0) {
        m->dev = st.st_dev;
        m->ino = st.st_ino;
    }
    return m;
}

/* A file's name may be cut, so the whole name stands inside. */
struct model *model_open(const char *state_dir, const char *user, bool for_writing,
                         char **error_r)
{
    char *path = users_store_path(state_dir, user);
    struct model *m = model_open_file(path, for_writing, error_r);
    if (m && for_writing &&
        !store_run(m->db,
                   "INSERT INTO owner(user) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM owner)",
                   &user, 1)) {
        *error_r = g_strdup_printf("%s: not writable", path);
        model_free(&m);
    }
    g_free(path);
    return m;
}

char *model_user(struct model *m)
{
    sqlite3_stmt *st = store_prepare(m->db, "SELECT user FROM owner", NULL, 0);
    char *user = NULL;
    if (st && sqlite3_step(st) == SQLITE_ROW)
        user = g_strdup((const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return user;
}

void model_free(struct model **m)
{
    if (!*m)
        return;
    sqlite3_close((*m)->db);
    g_free((*m)->path);
    g_free((*m)->learner);
    g_free(*m);
    *m = NULL;
}

GPtrArray *model_files(const char *state_dir, const char *suffix)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    char *folder = g_build_filename(state_dir, "users", NULL);
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (g_str_has_suffix(name, suffix))
            g_ptr_array_add(found, g_build_filename(folder, name, NULL));
    if (dir)
        g_dir_close(dir);
    g_free(folder);
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
    /* What lies in memory may be ahead of the file now. */
    g_clear_pointer(&m->learner, g_free);
    if (!sqlite3_get_autocommit(m->db))
        store_run(m->db, "ROLLBACK", NULL, 0);
    return false;
}

/* One number, or -1. */
static gint64 number(struct model *m, const char *sql, const char *text)
{
    sqlite3_stmt *st = store_prepare(m->db, sql, &text, text ? 1 : 0);
    gint64 n = -1;
    if (st && sqlite3_step(st) == SQLITE_ROW)
        n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

static bool read_learner(struct model *m, struct learner *l)
{
    sqlite3_stmt *st = store_prepare(m->db, "SELECT spam, ham, weights FROM model, learnt", NULL, 0);
    const int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
    bool ok = rc == SQLITE_DONE;
    if (rc == SQLITE_ROW && (size_t)sqlite3_column_bytes(st, 2) == sizeof l->weights) {
        const unsigned char *blob = sqlite3_column_blob(st, 2);
        l->spam = (guint32)sqlite3_column_int64(st, 0);
        l->ham = (guint32)sqlite3_column_int64(st, 1);
        for (size_t i = 0; i < LEARNER_WEIGHTS; i++)
            l->weights[i] = (gint16)(blob[2 * i] | blob[2 * i + 1] << 8);
        ok = true;
    }
    sqlite3_finalize(st);
    return ok;
}

struct learner *model_learner(struct model *m)
{
    const gint64 version = number(m, "PRAGMA data_version", NULL);
    if (m->learner && version == m->version && version >= 0)
        return m->learner;
    g_clear_pointer(&m->learner, g_free);
    struct learner *l = g_new0(struct learner, 1);
    if (!read_learner(m, l)) {
        g_free(l);
        return NULL;
    }
    m->version = version;
    m->learner = l;
    return l;
}

bool model_save(struct model *m)
{
    const struct learner *l = m->learner;
    unsigned char *blob = g_malloc(sizeof l->weights);
    for (size_t i = 0; i < LEARNER_WEIGHTS; i++) {
        blob[2 * i] = (unsigned char)(l->weights[i] & 0xff);
        blob[2 * i + 1] = (unsigned char)((guint16)l->weights[i] >> 8);
    }
    sqlite3_stmt *st = store_prepare(m->db,
                                     "INSERT INTO model(id, weights) VALUES(1, ?1)"
                                     " ON CONFLICT(id) DO UPDATE SET weights = ?1",
                                     NULL, 0);
    bool ok = st && sqlite3_bind_blob(st, 1, blob, sizeof l->weights, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    g_free(blob);
    char spam[16], ham[16];
    g_snprintf(spam, sizeof spam, "%u", l->spam);
    g_snprintf(ham, sizeof ham, "%u", l->ham);
    return ok && store_run(m->db, "INSERT OR REPLACE INTO learnt(id, spam, ham) VALUES(1, ?, ?)",
                           (const char *const[]){spam, ham}, 2);
}

bool model_journal(struct model *m, const char *kind, const char *signature, const char *class,
                   gint32 steps)
{
    char *day = daykey_day(0);
    char number[16];
    g_snprintf(number, sizeof number, "%d", steps);
    const char *const texts[] = {day, kind, class, number, signature};
    const bool ok = store_run(
        m->db,
        signature ? "INSERT INTO journal(day, kind, class, steps, signature) VALUES(?, ?, ?, ?, ?)"
                  : "INSERT INTO journal(day, kind, class, steps) VALUES(?, ?, ?, ?)",
        texts, signature ? 5 : 4);
    g_free(day);
    return ok;
}

bool model_has_moves_since(struct model *m, const char *day)
{
    return number(m, "SELECT 1 FROM journal WHERE kind = 'move' AND day >= ? LIMIT 1", day) == 1;
}

struct model_figures model_figures(struct model *m)
{
    return (struct model_figures){
        .spam = MAX(number(m, "SELECT spam FROM learnt", NULL), 0),
        .ham = MAX(number(m, "SELECT ham FROM learnt", NULL), 0),
        .records = number(m, "SELECT count(*) FROM record WHERE state < 2", NULL),
        .moves = number(m, "SELECT count(*) FROM journal WHERE kind = 'move'", NULL),
    };
}

struct sqlite3 *model_db(struct model *m)
{
    return m->db;
}
