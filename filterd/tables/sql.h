/* sql: what pgsql, mysql and sqlite tables have in common. */
#ifndef FILTERD_TABLES_SQL_H
#define FILTERD_TABLES_SQL_H

#include <glib.h>

#include "filterd/tables/sql_client.h"
#include "filterd/tables/table_type.h"

/* The open, ask and close of a table_type; a type's open gives its client. */
void *sql_open(const struct sql_client *client, const struct table_type *type, const char *name,
               const struct table_family *family, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
enum table_result sql_ask(void *state, const char *key, unsigned flags, GString *value,
                          char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void sql_close(void *state);

#endif
