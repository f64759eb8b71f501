/* PostgreSQL through libpq, without ever blocking: connecting, sending and reading wait in poll(2) until a deadline.
 * Called by member.c and, as a client, by sql.c. */
#include "filterd/tables/pgsql.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

#include "filterd/tables/postmap.h"
#include "filterd/tables/sql.h"

#define TIMED_OUT "the server took too long"

/* Waits for events; false at the deadline. */
static bool await(PGconn *c, short events, gint64 end)
{
    struct pollfd p = {PQsocket(c), events, 0};
    int rc;
    do {
        const gint64 left_ms = (end - g_get_monotonic_time() + 999) / 1000;
        rc = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
    } while (rc < 0 && errno == EINTR);
    return rc > 0;
}

static void ignore_notice(void *arg, const char *message)
{
    (void)arg, (void)message;
}

/* What libpq says of a URI that it cannot read may show the password in it. */
static bool is_uri(const char *text)
{
    char *error = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &error);
    PQconninfoFree(options);
    PQfreemem(error);
    return options != NULL;
}

/* Postfix before 3.8 always speaks Latin 1 with the server. */
static const char *encoding(const struct sql_file *f)
{
    const struct postmap_facts *facts = postmap_facts();
    const bool old = facts->major < 3 || (facts->major == 3 && facts->minor < 8);
    return old ? "LATIN1" : sql_file_get(f, "encoding", "UTF8");
}

static PGconn *begin_connection(const struct sql_file *f, const struct sql_host *h)
{
    const char *names[8], *values[8];
    int n = 0;
    const bool uri = h->kind == SQL_HOST_URI;
    const char *const parameters[][2] = {
        {"dbname", uri ? h->name : sql_file_get(f, "dbname", "")}, /* first: may be a URI, and others overrule it */
        {"host", uri ? "" : h->name},
        {"port", h->port},
        {"user", uri ? "" : sql_file_get(f, "user", "")},
        {"password", uri ? "" : sql_file_get(f, "password", "")},
        {"client_encoding", encoding(f)},
        {"fallback_application_name", "filterd"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(parameters); i++) {
        if (!*parameters[i][1])
            continue;
        names[n] = parameters[i][0];
        values[n++] = parameters[i][1];
    }
    names[n] = values[n] = NULL;
    return PQconnectStartParams(names, values, 1);
}

static void *pgsql_connect(const struct sql_file *f, const struct sql_host *h, gint64 end, char **error_r)
{
    if (h->kind == SQL_HOST_URI && !is_uri(h->name)) {
        *error_r = g_strdup("hosts: a URI in it cannot be read");
        return NULL;
    }
    PGconn *c = begin_connection(f, h);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    const char *why = NULL;
    while (!why && PQstatus(c) != CONNECTION_BAD && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        if (!await(c, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, end))
            why = TIMED_OUT;
        else
            state = PQconnectPoll(c);
    }
    if (!why && state == PGRES_POLLING_OK && PQsetnonblocking(c, 1) == 0) {
        PQsetNoticeProcessor(c, ignore_notice, NULL);
        return c;
    }
    *error_r = g_strdup(why ? why : PQerrorMessage(c));
    PQfinish(c);
    return NULL;
}

static bool quote(void *connection, const char *text, gsize len, GString *out)
{
    int error = 0;
    const gsize before = out->len;
    g_string_set_size(out, before + 2 * len + 1);
    const size_t n = PQescapeStringConn(connection, out->str + before, text, len, &error);
    g_string_set_size(out, before + n);
    return !error;
}

static bool send_query(PGconn *c, const char *sql, gint64 end, char **error_r)
{
    int more = 1;
    bool ok = PQsendQuery(c, sql) == 1 && PQsetSingleRowMode(c) == 1;
    while (ok && (more = PQflush(c)) == 1) {
        /* The server may have to be read before it reads on. */
        ok = await(c, POLLIN | POLLOUT, end) && PQconsumeInput(c);
    }
    ok = ok && more == 0;
    if (!ok)
        *error_r = g_strdup(*PQerrorMessage(c) ? PQerrorMessage(c) : TIMED_OUT);
    return ok;
}

/* The next part of the answer, NULL at its end. False at the deadline, or if the connection broke. */
static bool next_result(PGconn *c, gint64 end, PGresult **result_r, char **error_r)
{
    while (PQisBusy(c)) {
        const bool in_time = await(c, POLLIN, end);
        if (in_time && PQconsumeInput(c))
            continue;
        *error_r = g_strdup(in_time ? PQerrorMessage(c) : TIMED_OUT);
        return false;
    }
    *result_r = PQgetResult(c);
    return true;
}

static bool add_row(const PGresult *r, struct sql_rows *rows)
{
    bool ok = true;
    for (int i = 0; ok && i < PQnfields(r); i++)
        ok = sql_rows_add(rows, PQgetvalue(r, 0, i), (gsize)PQgetlength(r, 0, i));
    return ok;
}

/* Of several statements in one query the last one's rows count. */
static enum sql_end take_result(const PGresult *r, struct sql_rows *rows, bool *ended, char **error_r)
{
    const ExecStatusType status = PQresultStatus(r);
    const char *why = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        *error_r = g_strdup(why ? why : "the query is none that returns rows");
        return SQL_REFUSED;
    }
    if (*ended)
        sql_rows_restart(rows);
    *ended = status != PGRES_SINGLE_TUPLE;
    if (status != PGRES_SINGLE_TUPLE || add_row(r, rows))
        return SQL_DONE;
    *error_r = g_strdup(rows->trouble);
    return SQL_LOST; /* instead of reading the rest */
}

static enum sql_end pgsql_query(void *connection, const GString *sql, gint64 end, struct sql_rows *rows, char **error_r)
{
    PGconn *c = connection;
    PGresult *r = NULL;
    enum sql_end e = SQL_DONE;
    bool ended = false;
    if (!send_query(c, sql->str, end, error_r))
        return SQL_LOST;
    while (e != SQL_LOST) {
        g_autofree char *why = NULL;
        if (!next_result(c, end, &r, &why)) {
            e = SQL_LOST;
        } else if (!r) {
            break;
        } else {
            const enum sql_end its = take_result(r, rows, &ended, &why);
            e = its == SQL_DONE ? e : its;
            const ExecStatusType status = PQresultStatus(r);
            if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
                e = SQL_LOST;
            PQclear(r);
        }
        if (!*error_r)
            *error_r = g_steal_pointer(&why);
    }
    return e == SQL_REFUSED && PQstatus(c) == CONNECTION_BAD ? SQL_LOST : e;
}

static void pgsql_close(void *connection)
{
    PQfinish(connection);
}

static bool vet(const struct sql_file *f, char **error_r)
{
    const char *at = sql_file_get(f, "hosts", "");
    return strstr(at, "postgresql://") || strstr(at, "postgres://") || sql_file_need(f, "dbname", error_r) != NULL;
}

static const struct sql_client client = {vet, pgsql_connect, quote, pgsql_query, pgsql_close};

static void *pgsql_open(const struct table_type *type, const char *name, const struct table_family *family,
                        char **error_r)
{
    return sql_open(&client, type, name, family, error_r);
}

const struct table_type pgsql_type = {"pgsql", pgsql_open, NULL, sql_ask, sql_close};
