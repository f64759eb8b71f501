/* The calls of SQLite and GPGME that fail at the shim's order. */
#include <gpgme.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "t/faults/shim_real.h"

#define EXPORT __attribute__((visibility("default")))

static gpgme_error_t broken(void)
{
    return gpgme_error(GPG_ERR_ENOMEM);
}

/* What SQLite asks of itself goes through the same names; told of a failure that did not happen in its
 * own machine, it would believe half of a schema to be all. */
static bool asks_itself(const void *from, const void *real)
{
    Dl_info caller, library;
    shim_looking++;
    const bool same = dladdr(from, &caller) && dladdr(real, &library) && caller.dli_fbase == library.dli_fbase;
    shim_looking--;
    return same;
}

/* From where the shim's caller is. */
#define SQLITE_ERROR_HERE                                                                          \
    (asks_itself(__builtin_return_address(0), (const void *)real) ? 0 : shim_error(SHIM_SQLITE))

EXPORT int sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
    REAL(sqlite3_open_v2);
    const int error = SQLITE_ERROR_HERE;
    if (error)
        *db = NULL; /* as without memory */
    return error ? error : real(path, db, flags, vfs);
}

EXPORT int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int len, sqlite3_stmt **statement,
                              const char **rest)
{
    REAL(sqlite3_prepare_v2);
    const int error = SQLITE_ERROR_HERE;
    if (error)
        *statement = NULL;
    return error ? error : real(db, sql, len, statement, rest);
}

EXPORT int sqlite3_step(sqlite3_stmt *statement)
{
    REAL(sqlite3_step);
    const int error = SQLITE_ERROR_HERE;
    return error ? error : real(statement);
}

EXPORT int sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
                        void *arg, char **message)
{
    REAL(sqlite3_exec);
    const int error = SQLITE_ERROR_HERE;
    return error ? error : real(db, sql, row, arg, message);
}

EXPORT gpgme_error_t gpgme_new(gpgme_ctx_t *ctx)
{
    REAL(gpgme_new);
    return shim_error(SHIM_GPGME) ? broken() : real(ctx);
}

EXPORT gpgme_error_t gpgme_set_protocol(gpgme_ctx_t ctx, gpgme_protocol_t protocol)
{
    REAL(gpgme_set_protocol);
    return shim_error(SHIM_GPGME) ? broken() : real(ctx, protocol);
}

EXPORT gpgme_error_t gpgme_set_ctx_flag(gpgme_ctx_t ctx, const char *name, const char *value)
{
    REAL(gpgme_set_ctx_flag);
    return shim_error(SHIM_GPGME) ? broken() : real(ctx, name, value);
}

EXPORT gpgme_error_t gpgme_op_keylist_start(gpgme_ctx_t ctx, const char *pattern, int secret)
{
    REAL(gpgme_op_keylist_start);
    return shim_error(SHIM_GPGME) ? broken() : real(ctx, pattern, secret);
}

EXPORT gpgme_error_t gpgme_engine_check_version(gpgme_protocol_t protocol)
{
    REAL(gpgme_engine_check_version);
    return shim_error(SHIM_GPGME) ? broken() : real(protocol);
}

EXPORT const char *gpgme_get_dirinfo(const char *what)
{
    REAL(gpgme_get_dirinfo);
    return shim_error(SHIM_GPGME) ? NULL : real(what);
}
