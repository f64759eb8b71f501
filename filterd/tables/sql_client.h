/* sql_client: what sql.c needs of a client library. */
#ifndef FILTERD_TABLES_SQL_CLIENT_H
#define FILTERD_TABLES_SQL_CLIENT_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/tables/sql_file.h"
#include "filterd/tables/sql_rows.h"

struct sql_host {
    enum { SQL_HOST_UNIX, SQL_HOST_INET, SQL_HOST_URI, SQL_HOST_FILE } kind;
    char *name, *port; /* a path, a host, all of a URI; port "" if none is given */
    void *connection;  /* NULL: none now */
    gint64 used_at, rest_until; /* monotonic */
    guint server;               /* its number in sql_waits.h; 0: none */
};

enum sql_end {
    SQL_LOST = 0, /* the connection is of no use any more */
    SQL_REFUSED,  /* the server, or sql_rows_add, said no; the connection still stands */
    SQL_DONE
};

struct sql_client {
    /* Whether the file has what the client itself needs. False with *error_r, without the file's name. NULL: always. */
    bool (*vet)(const struct sql_file *f, char **error_r);
    /* end: monotonic, when to give up. NULL with *error_r. */
    void *(*connect)(const struct sql_file *f, const struct sql_host *host, gint64 end, char **error_r);
    sql_template_quote *quote; /* its arg is the connection */
    /* Gives every field of the answer to sql_rows_add. *error_r unless it is SQL_DONE. */
    enum sql_end (*query)(void *connection, const GString *sql, gint64 end, struct sql_rows *rows, char **error_r);
    void (*close)(void *connection);
};

#endif
