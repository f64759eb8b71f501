/* SQLite for all databases of filterd: settings of the connection, schema versions, cached statements. Called
 * by the keeper, the classifier's model reader, users.c and filterctl. */
#include "base/store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000
/* Readers hold their lock for milliseconds: who holds one for so long is reported, and again each AGAIN_MS. */
#define BLOCKED_MS 1000
#define BLOCKED_AGAIN_MS 100
/* SQLite's locks lie here, whatever the size of the file (www.sqlite.org/fileformat.html, "The Lock-Byte Page"). */
#define LOCKS_FROM 0x40000000
#define LOCKS_BYTES 512

static int fail(sqlite3 **db, int code, const char *path, const char *what, char **error_r)
{
    *error_r = g_strdup_printf("%s: %s", path, what);
    sqlite3_close(*db);
    *db = NULL;
    return code;
}

/* Creates the file with mode 0640; SQLite would use 0644. */
static bool make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static int version_of(sqlite3 *db, int *version_r)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    *version_r = code == SQLITE_ROW ? sqlite3_column_int(st, 0) : 0;
    sqlite3_finalize(st);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static char *later_text(int version, const struct store_schema *schema)
{
    return g_strdup_printf("a later filterd made it (version %d, known here are those up to %d): it is left"
                           " as it is; use that filterd, or a backup of before", version, schema->version);
}

static int run_all(sqlite3 *db, const char *const *texts)
{
    int code = SQLITE_OK;
    for (; code == SQLITE_OK && *texts; texts++)
        code = sqlite3_exec(db, *texts, NULL, NULL, NULL);
    return code;
}

/* Creates the tables, or upgrades them from version from, in one transaction. */
static int make_current(sqlite3 *db, const struct store_schema *schema, int from)
{
    g_autofree char *number = g_strdup_printf("PRAGMA user_version = %d", schema->version);
    int code = run_all(db, (const char *const[]){"BEGIN IMMEDIATE", schema->tables, NULL});
    if (code == SQLITE_OK && schema->upgrade)
        code = schema->upgrade(db, from);
    if (code == SQLITE_OK)
        code = run_all(db, (const char *const[]){number, "COMMIT", NULL});
    return code; /* after an error the caller closes the database, which rolls back */
}

static int prepare_file(sqlite3 *db, bool for_writing, const struct store_schema *schema,
                        char **why_r)
{
    static const char *const settings[] = {"PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;", NULL};
    static const char *const for_writer[] = {"PRAGMA journal_mode=DELETE; PRAGMA secure_delete=ON;"
                                             "PRAGMA synchronous=FULL;", NULL};
    /* A reader reads once, so that a file that is no database, or a hot journal, is found now. */
    static const char *const look[] = {"SELECT 1 FROM sqlite_schema LIMIT 1", NULL};
    int version;
    int code = run_all(db, settings);
    if (code == SQLITE_OK)
        code = version_of(db, &version);
    if (code == SQLITE_OK && schema && (version > schema->version || version < 0)) {
        *why_r = later_text(version, schema);
        return STORE_LATER;
    }
    if (code == SQLITE_OK)
        code = run_all(db, for_writing ? for_writer : look);
    if (code == SQLITE_OK && for_writing && schema && version < schema->version)
        code = make_current(db, schema, version);
    return code;
}

/* ---- locks that others hold ---- */

static void (*blocked)(const char *path, pid_t holder);

void store_on_blocked(void (*fn)(const char *path, pid_t holder))
{
    blocked = fn;
}

/* The descriptor by which SQLite has the file open; -1: none. A second one would not do: closing it would release
 * all locks that this process has on the file (fcntl(2)). */
static int descriptor_of(const char *path)
{
    struct stat wanted, st;
    const long most = sysconf(_SC_OPEN_MAX);
    if (stat(path, &wanted))
        return -1;
    for (int fd = 0; fd < most; fd++)
        if (fstat(fd, &st) == 0 && st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino)
            return fd;
    return -1;
}

static void report_holder(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKS_FROM, .l_len = LOCKS_BYTES};
    const int fd = descriptor_of(path);
    if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        blocked(path, lock.l_pid);
}

/* Waits a little for another's lock, longer each time. 0: it was long enough. */
static int on_busy(void *db, int count)
{
    static const unsigned char pauses_ms[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50};
    static gint64 since, reported;
    const gint64 now = g_get_monotonic_time();
    const char *path = sqlite3_db_filename(db, "main");
    if (count == 0)
        since = reported = now;
    if (now - since >= BUSY_TIMEOUT_MS * 1000)
        return 0;
    if (blocked && path && now - since >= BLOCKED_MS * 1000 && now - reported >= BLOCKED_AGAIN_MS * 1000) {
        report_holder(path);
        reported = now;
    }
    g_usleep(1000UL * ((size_t)count < sizeof pauses_ms ? pauses_ms[count] : BLOCKED_AGAIN_MS));
    return 1;
}

int store_try(const char *path, bool for_writing, const struct store_schema *schema, sqlite3 **db_r,
              char **error_r)
{
    g_autofree char *why = NULL;
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
    sqlite3_busy_handler(*db_r, on_busy, *db_r);
    code = prepare_file(*db_r, for_writing, schema, &why);
    if (code != SQLITE_OK)
        fail(db_r, code, path, why ? why : sqlite3_errmsg(*db_r), error_r);
    return code;
}

bool store_open(const char *path, bool for_writing, const struct store_schema *schema, sqlite3 **db_r,
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
        g_autofree char *file = g_strconcat(path, ends[i], NULL);
        unlink(file);
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

/* SQLite's list of the connection's statements is the cache. A statement that is not busy has been given back,
 * since callers step a statement as soon as they have prepared it. */
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

static gint64 number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = store_cached(db, sql, NULL, 0);
    const gint64 n = st && sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    store_done(st);
    return n;
}

gint64 store_bytes(sqlite3 *db)
{
    const gint64 pages = number(db, "PRAGMA page_count"), unused = number(db, "PRAGMA freelist_count");
    return pages < 0 || unused < 0 ? -1 : (pages - unused) * number(db, "PRAGMA page_size");
}
