/* store: how filterd opens SQLite. Rollback journal (workers read without any right to write),
 * secure_delete, temporary tables in memory. Open after fork. */
#ifndef BASE_STORE_H
#define BASE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>

/* What is in it. Its version lies in the file (PRAGMA user_version); files of before there were versions
 * have 0. */
struct store_schema {
    int version;
    const char *tables; /* a list of CREATE TABLE IF NOT EXISTS, and of indexes likewise */
    /* Inside the transaction that makes the tables: brings what an earlier version made to this one. A
     * result code of SQLite. NULL: there is nothing to do. */
    int (*upgrade)(sqlite3 *db, int from);
};

/* Opens. For writing it is made if it is not there (mode 0640), and upgraded in place if it is of an
 * earlier version, all or nothing; who may only read takes such a file as it is. One of a later version
 * is left as it is, and not opened. *db_r is NULL and true is returned when it is not there and not for
 * writing. schema NULL: of whatever version. */
bool store_open(const char *path, bool for_writing, const struct store_schema *schema, sqlite3 **db_r,
                char **error_r);
/* The same for who wants to know why: SQLite's result code, SQLITE_OK (0) alone is success. */
int store_try(const char *path, bool for_writing, const struct store_schema *schema, sqlite3 **db_r,
              char **error_r);
/* Such a code: a later version made it. It is whole, and not to be made anew. */
#define STORE_LATER SQLITE_MISMATCH
/* Of such a code: the file is no database any more. Whatever else keeps one from opening or using a
 * database (no descriptor, memory, right or room) says nothing against what is in it. */
bool store_is_damaged(int code);
/* Removes it, with what SQLite keeps beside it. Closed. */
void store_remove(const char *path);
/* Prepares and binds the texts; NULL on error. Finalize it yourself. */
sqlite3_stmt *store_prepare(sqlite3 *db, const char *sql, const char *const *texts, int count);
/* The same for a statement that will be wanted again: give it back with store_done, and close the
 * database with store_close, which ends all that were given back. */
sqlite3_stmt *store_cached(sqlite3 *db, const char *sql, const char *const *texts, int count);
/* NULL is taken, too. True if its last step was no error. */
bool store_done(sqlite3_stmt *statement);
void store_close(sqlite3 **db);
/* As store_prepare, stepped to its end. */
bool store_run(sqlite3 *db, const char *sql, const char *const *texts, int count);

#endif
