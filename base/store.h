/* store: opens SQLite databases the same way everywhere: rollback journal (workers can read without any right
 * to write), secure_delete, temporary tables in memory. Open after fork. */
#ifndef BASE_STORE_H
#define BASE_STORE_H

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>

/* The tables of a database. The file holds their version (PRAGMA user_version); files older than versioning
 * have 0. */
struct store_schema {
    int version;
    const char *tables; /* a list of CREATE TABLE IF NOT EXISTS, and of indexes likewise */
    /* Upgrades the tables of version from to this one, inside the transaction that creates tables. Returns an
     * SQLite result code. NULL: no upgrade needed. */
    int (*upgrade)(sqlite3 *db, int from);
};

/* Opens path. For writing: creates a missing file (mode 0640) and upgrades an older version in place, all or
 * nothing. For reading: takes an older version as it is; if the file is missing, *db_r is NULL and the result
 * true. A file of a later version is neither opened nor changed. schema NULL accepts any version. False with
 * *error_r (g_free). */
bool store_open(const char *path, bool for_writing, const struct store_schema *schema, sqlite3 **db_r,
                char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* The same, but returns SQLite's result code or STORE_LATER; only SQLITE_OK (0) is success. */
int store_try(const char *path, bool for_writing, const struct store_schema *schema, sqlite3 **db_r,
              char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* A later filterd made the file: it is intact, do not create it anew. */
#define STORE_LATER SQLITE_MISMATCH
/* True if the code says that the file is no database (any more). Other failures (descriptors, memory,
 * permissions, disk space) say nothing against its content. */
bool store_is_damaged(int code);
/* Removes the file and SQLite's journal, WAL and shm files beside it. It must be closed. */
void store_remove(const char *path);
/* Bytes of the file that are in use; -1: that cannot be read. */
gint64 store_bytes(sqlite3 *db);
/* Another process's lock makes a request wait for some seconds at most. If fn is set, it hears, after one second and
 * then ten times a second, of a file that waits for a lock and of the process that holds it; not above 0: the kernel
 * does not say which. */
void store_on_blocked(void (*fn)(const char *path, pid_t holder));
/* Prepares a statement and binds the texts to ?1, ?2, ...; NULL on error. The caller finalizes it. */
sqlite3_stmt *store_prepare(sqlite3 *db, const char *sql, const char *const *texts, int count);
/* The same for a statement that is used often: give it back with store_done instead of finalizing it, and close
 * the database with store_close, which finalizes all of them. */
sqlite3_stmt *store_cached(sqlite3 *db, const char *sql, const char *const *texts, int count);
/* Resets a statement of store_cached (NULL is allowed). True if its last step did not fail. */
bool store_done(sqlite3_stmt *statement);
void store_close(sqlite3 **db);
/* Prepares, binds, steps to the end and finalizes; true on success. Rows are ignored. */
bool store_run(sqlite3 *db, const char *sql, const char *const *texts, int count);

#endif
