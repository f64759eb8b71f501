#include "base/store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000

static int fail(sqlite3 **db, int code, const char *path, const char *what, char **error_r)
{
    *error_r = g_strdup_printf("%s: %s", path, what);
    sqlite3_close(*db);
    *db = NULL;
    return code;
}

/* SQLite would make it 0644. */
static bool make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

int store_try(const char *path, bool for_writing, const char *schema, sqlite3 **db_r, char **error_r)
{
    *db_r = NULL;
    if (!for_writing && access(path, F_OK) != 0) {
        if (errno == ENOENT)
            return SQLITE_OK;
        return fail(db_r, SQLITE_CANTOPEN, path, g_strerror(errno), error_r);
    }
    if (for_writing && !make_file(path))
        return fail(db_r, SQLITE_CANTOPEN, path, g_strerror(errno), error_r);
    int mode = for_writing ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int code = sqlite3_open_v2(path, db_r, mode | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return fail(db_r, code, path, sqlite3_errmsg(*db_r), error_r);
    sqlite3_busy_timeout(*db_r, BUSY_TIMEOUT_MS);
    const char *settings = "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;";
    const char *for_writer = "PRAGMA journal_mode=DELETE; PRAGMA secure_delete=ON;"
                             "PRAGMA synchronous=FULL;";
    /* A reader looks once, so that a file that is none, or a hot journal, shows here. */
    const char *last = for_writing ? schema : "SELECT 1 FROM sqlite_schema LIMIT 1";
    const char *const steps[] = {settings, for_writing ? for_writer : "", last};
    for (size_t i = 0; code == SQLITE_OK && i < G_N_ELEMENTS(steps); i++)
        code = sqlite3_exec(*db_r, steps[i], NULL, NULL, NULL);
    return code == SQLITE_OK ? code : fail(db_r, code, path, sqlite3_errmsg(*db_r), error_r);
}

bool store_open(const char *path, bool for_writing, const char *schema, sqlite3 **db_r,
                char **error_r)
{
    return store_try(path, for_writing, schema, db_r, error_r) == SQLITE_OK;
}

bool store_is_damaged(int code)
{
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

void store_remove(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        char *file = g_strconcat(path, ends[i], NULL);
        unlink(file);
        g_free(file);
    }
}

static sqlite3_stmt *bind(sqlite3_stmt *statement, const char *const *texts, int count)
{
    for (int i = 0; statement && i < count; i++) {
        if (sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_TRANSIENT) != SQLITE_OK) {
            sqlite3_finalize(statement);
            return NULL;
        }
    }
    return statement;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    return statement;
}

sqlite3_stmt *store_prepare(sqlite3 *db, const char *sql, const char *const *texts, int count)
{
    return bind(prepare(db, sql), texts, count);
}

/* SQLite's own list of a connection's statements is the cache: one that is not being stepped has
 * been given back, as whoever prepares one steps it at once. */
static sqlite3_stmt *given_back(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    while ((st = sqlite3_next_stmt(db, st)))
        if (!sqlite3_stmt_busy(st) && !strcmp(sqlite3_sql(st), sql))
            return st;
    return NULL;
}

sqlite3_stmt *store_cached(sqlite3 *db, const char *sql, const char *const *texts, int count)
{
    sqlite3_stmt *statement = given_back(db, sql);
    return bind(statement ? statement : prepare(db, sql), texts, count);
}

bool store_done(sqlite3_stmt *statement)
{
    const bool ok = sqlite3_reset(statement) == SQLITE_OK;
    if (statement)
        sqlite3_clear_bindings(statement);
    return ok;
}

void store_close(sqlite3 **db)
{
    for (sqlite3_stmt *st; *db && (st = sqlite3_next_stmt(*db, NULL));)
        sqlite3_finalize(st);
    sqlite3_close(*db);
    *db = NULL;
}

bool store_run(sqlite3 *db, const char *sql, const char *const *texts, int count)
{
    sqlite3_stmt *statement = store_prepare(db, sql, texts, count);
    int step = SQLITE_ROW;
    while (statement && step == SQLITE_ROW)
        step = sqlite3_step(statement);
    return sqlite3_finalize(statement) == SQLITE_OK && step == SQLITE_DONE;
}
