/* sql_rows: what a query returns, row by row, and what becomes of it. */
#ifndef FILTERD_TABLES_SQL_ROWS_H
#define FILTERD_TABLES_SQL_ROWS_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/tables/sql_template.h"

struct sql_rows {
    const char *key;
    const struct sql_template *format;
    int limit;  /* most values, 0: any number */
    bool raw;   /* values may hold zero bytes */
    int count;  /* values so far */
    GString *value;
    const char *trouble; /* why the answer must not be used */
};

/* Takes one field; NULL or nothing in it is passed over. False if there is trouble: the client must stop. */
bool sql_rows_add(struct sql_rows *rows, const char *field, gsize len);

/* Forgets them: another set of rows begins. */
void sql_rows_restart(struct sql_rows *rows);

#endif
