/* store: how filterd opens SQLite. Rollback journal (workers read without any right to write),
 * secure_delete, temporary tables in memory. Open after fork. */
#ifndef BASE_STORE_H
#define BASE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>

/* Opens (for writing: makes, mode 0640, and applies schema, a list of CREATE TABLE IF NOT EXISTS).
 * *db_r is NULL and true is returned when it is not there and not for writing. */
bool store_open(const char *path, bool for_writing, const char *schema, sqlite3 **db_r,
                char **error_r);
/* The same for who wants to know why: SQLite's result code, SQLITE_OK (0) alone is success. */
int store_try(const char *path, bool for_writing, const char *schema, sqlite3 **db_r, char **error_r);
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
