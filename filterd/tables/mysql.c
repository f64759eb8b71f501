/* MariaDB and MySQL through libmariadb, with its time-outs for connecting, reading and writing. Called by member.c and,
 * as a client, by sql.c. */
#include "filterd/tables/mysql.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <string.h>
#include <sys/socket.h>

#include "filterd/tables/postmap.h"
#include "filterd/tables/sql.h"

/* A server is not to fill our memory with one row; rows are read one by one. */
#define PACKET_MAX ((size_t)16 << 20)

struct connection {
    MYSQL mysql;
    bool need_result; /* require_result_set */
};

static void set_option(MYSQL *m, enum mysql_option option, const char *value)
{
    if (value && *value)
        mysql_options(m, option, value);
}

static bool is_at_least(int major, int minor)
{
    const struct postmap_facts *facts = postmap_facts();
    return facts->major > major || (facts->major == major && facts->minor >= minor);
}

/* Postfix before 3.9 leaves the character set to the library. */
static void set_options(MYSQL *m, const struct sql_file *f, gint64 end)
{
    const unsigned seconds = (unsigned)MAX(1, (end - g_get_monotonic_time() + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
    const unsigned off = 0;
    const size_t packet = PACKET_MAX;
    const char *verify = sql_file_get(f, "tls_verify_cert", "");
    const my_bool verifies = !g_ascii_strcasecmp(verify, "yes");
    set_option(m, MYSQL_READ_DEFAULT_FILE, sql_file_get(f, "option_file", NULL));
    set_option(m, MYSQL_READ_DEFAULT_GROUP, sql_file_get(f, "option_group", "client"));
    mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(m, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(m, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    mysql_options(m, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &off); /* else the server may ask for our files */
    set_option(m, MYSQL_OPT_SSL_KEY, sql_file_get(f, "tls_key_file", NULL));
    set_option(m, MYSQL_OPT_SSL_CERT, sql_file_get(f, "tls_cert_file", NULL));
    set_option(m, MYSQL_OPT_SSL_CA, sql_file_get(f, "tls_CAfile", NULL));
    set_option(m, MYSQL_OPT_SSL_CAPATH, sql_file_get(f, "tls_CApath", NULL));
    set_option(m, MYSQL_OPT_SSL_CIPHER, sql_file_get(f, "tls_ciphers", NULL));
    if (*verify)
        mysql_options(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verifies);
    if (is_at_least(3, 9))
        set_option(m, MYSQL_SET_CHARSET_NAME, sql_file_get(f, "charset", "utf8mb4"));
}

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

static void *mysql_connect_to(const struct sql_file *f, const struct sql_host *h, gint64 end, char **error_r)
{
    g_autofree struct connection *c = g_new0(struct connection, 1);
    const bool is_unix = h->kind == SQL_HOST_UNIX;
    const unsigned port = (unsigned)g_ascii_strtoull(h->port, NULL, 10);
    if (!mysql_init(&c->mysql)) {
        *error_r = g_strdup("the client library does not start");
        return NULL;
    }
    set_options(&c->mysql, f, end);
    if (!sql_file_yes(f, "require_result_set", true, &c->need_result, error_r))
        c->need_result = true;
    g_clear_pointer(error_r, g_free);
    if (mysql_real_connect(&c->mysql, is_unix ? NULL : h->name, or_null(sql_file_get(f, "user", "")),
                           or_null(sql_file_get(f, "password", "")), sql_file_get(f, "dbname", ""), port,
                           is_unix ? h->name : NULL, CLIENT_MULTI_RESULTS))
        return g_steal_pointer(&c);
    *error_r = g_strdup(mysql_error(&c->mysql));
    mysql_close(&c->mysql);
    return NULL;
}

static bool quote(void *connection, const char *text, gsize len, GString *out)
{
    struct connection *c = connection;
    const gsize before = out->len;
    g_string_set_size(out, before + 2 * len + 1);
    const unsigned long n = mysql_real_escape_string(&c->mysql, out->str + before, text, len);
    const bool ok = n <= 2 * len;
    g_string_set_size(out, before + (ok ? n : 0));
    return ok;
}

/* Errors of the library, not the server, and those with which the server says farewell. */
static enum sql_end end_of(const struct connection *c, char **error_r)
{
    MYSQL *m = (MYSQL *)&c->mysql;
    const unsigned error = mysql_errno(m);
    *error_r = g_strdup(mysql_error(m));
    const bool lost = (error >= CR_MIN_ERROR && error <= CR_MAX_ERROR) || error == ER_SERVER_SHUTDOWN ||
                      error == ER_NORMAL_SHUTDOWN || error == ER_CONNECTION_KILLED;
    return lost ? SQL_LOST : SQL_REFUSED;
}

static enum sql_end take_rows(struct connection *c, MYSQL_RES *result, struct sql_rows *rows, char **error_r)
{
    const unsigned columns = mysql_num_fields(result);
    for (MYSQL_ROW row; (row = mysql_fetch_row(result));) {
        const unsigned long *lengths = mysql_fetch_lengths(result);
        for (unsigned i = 0; i < columns; i++) {
            if (sql_rows_add(rows, row[i], row[i] ? lengths[i] : 0))
                continue;
            /* Freeing the result would read all the rest of it. */
            shutdown((int)mysql_get_socket(&c->mysql), SHUT_RDWR);
            *error_r = g_strdup(rows->trouble);
            return SQL_LOST;
        }
    }
    return mysql_errno(&c->mysql) ? end_of(c, error_r) : SQL_DONE;
}

static enum sql_end refuse(const char *why, char **error_r)
{
    *error_r = g_strdup(why);
    return SQL_REFUSED;
}

/* A stored procedure returns its rows, and then a result without any. */
static enum sql_end mysql_query_rows(void *connection, const GString *sql, gint64 end, struct sql_rows *rows,
                                     char **error_r)
{
    struct connection *c = connection;
    MYSQL *m = &c->mysql;
    enum sql_end e = SQL_DONE;
    int next = 0, sets = 0;
    (void)end; /* the time-outs of its connection */
    if (mysql_real_query(m, sql->str, sql->len) != 0)
        return end_of(c, error_r);
    for (; next == 0 && e == SQL_DONE; next = e == SQL_DONE ? mysql_next_result(m) : -1) {
        MYSQL_RES *result = mysql_use_result(m);
        if (!result && mysql_errno(m))
            return end_of(c, error_r);
        if (!result)
            continue;
        if (sets++)
            sql_rows_restart(rows);
        e = take_rows(c, result, rows, error_r);
        mysql_free_result(result);
    }
    if (next > 0)
        return end_of(c, error_r);
    if (e == SQL_DONE && sets > 1)
        return refuse("the query returns several sets of rows", error_r);
    if (e == SQL_DONE && !sets && c->need_result)
        return refuse("the query returns no set of rows, not even an empty one", error_r);
    return e;
}

static void mysql_close_connection(void *connection)
{
    struct connection *c = connection;
    mysql_close(&c->mysql);
    g_free(connection);
}

static bool vet(const struct sql_file *f, char **error_r)
{
    bool unused;
    return sql_file_need(f, "dbname", error_r) &&
           sql_file_yes(f, "require_result_set", true, &unused, error_r) &&
           sql_file_yes(f, "tls_verify_cert", false, &unused, error_r);
}

static const struct sql_client client = {vet, mysql_connect_to, quote, mysql_query_rows, mysql_close_connection};

static void *mysql_open(const struct table_type *type, const char *name, const struct table_family *family,
                        char **error_r)
{
    return sql_open(&client, type, name, family, error_r);
}

const struct table_type mysql_type = {"mysql", mysql_open, NULL, sql_ask, sql_close};
