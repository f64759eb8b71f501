/* SQLite: the file is opened for reading, and again when another stands in its place. Called by member.c and, as a
 * client, by sql.c. */
#include "filterd/tables/sqlite.h"

#include <errno.h>

#include "base/store.h"
#include "filterd/tables/lines.h"
#include "filterd/tables/sql.h"

#define STEPS_BETWEEN_LOOKS 10000

struct connection {
    sqlite3 *db;
    char *path;
    struct lines_stamp stamp;
};

static void sqlite_close(void *connection)
{
    struct connection *c = connection;
    store_close(&c->db);
    g_free(c->path);
    g_free(connection);
}

static void *sqlite_connect(const struct sql_file *f, const struct sql_host *h, gint64 end, char **error_r)
{
    struct connection *c = g_new0(struct connection, 1);
    (void)f, (void)end;
    c->path = g_strdup(h->name);
    if (!lines_stamp(c->path, &c->stamp))
        *error_r = g_strdup_printf("%s: %s", c->path, g_strerror(errno));
    else if (store_open(c->path, false, NULL, &c->db, error_r) && c->db)
        return c;
    else if (!*error_r)
        *error_r = g_strdup_printf("%s: the file has gone", c->path);
    sqlite_close(c);
    return NULL;
}

static bool quote(void *connection, const char *text, gsize len, GString *out)
{
    (void)connection;
    char *quoted = sqlite3_mprintf("%.*q", (int)len, text);
    if (quoted)
        g_string_append(out, quoted);
    sqlite3_free(quoted);
    return quoted != NULL;
}

static int is_over(void *arg)
{
    return g_get_monotonic_time() > *(const gint64 *)arg;
}

/* As in Postfix, of each row the first column counts. */
static int take_rows(sqlite3_stmt *statement, struct sql_rows *rows)
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        if (!sql_rows_add(rows, text, text ? (gsize)sqlite3_column_bytes(statement, 0) : 0))
            return SQLITE_TOOBIG;
    }
    return code;
}

static enum sql_end sqlite_query(void *connection, const GString *sql, gint64 end, struct sql_rows *rows, char **error_r)
{
    struct connection *c = connection;
    struct lines_stamp now;
    sqlite3_stmt *statement = NULL;
    if (!lines_stamp(c->path, &now) || now.inode != c->stamp.inode || now.device != c->stamp.device) {
        *error_r = g_strdup_printf("%s: another file stands there", c->path);
        return SQL_LOST;
    }
    sqlite3_progress_handler(c->db, STEPS_BETWEEN_LOOKS, is_over, &end);
    int code = sqlite3_prepare_v2(c->db, sql->str, (int)sql->len, &statement, NULL);
    if (code == SQLITE_OK)
        code = take_rows(statement, rows);
    if (code != SQLITE_DONE)
        *error_r = g_strdup(rows->trouble ? rows->trouble : sqlite3_errmsg(c->db));
    sqlite3_finalize(statement);
    sqlite3_progress_handler(c->db, 0, NULL, NULL);
    return code == SQLITE_DONE ? SQL_DONE : SQL_REFUSED;
}

static const struct sql_client client = {NULL, sqlite_connect, quote, sqlite_query, sqlite_close};

static void *sqlite_open(const struct table_type *type, const char *name, const struct table_family *family,
                         char **error_r)
{
    return sql_open(&client, type, name, family, error_r);
}

const struct table_type sqlite_type = {"sqlite", sqlite_open, NULL, sql_ask, sql_close};
