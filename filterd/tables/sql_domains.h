/* sql_domains: the domain parameter of an SQL table: whose addresses it is asked for. */
#ifndef FILTERD_TABLES_SQL_DOMAINS_H
#define FILTERD_TABLES_SQL_DOMAINS_H

#include <glib.h>

#include "filterd/tables/table_type.h"

struct sql_domains;

/* text is a list of names, files and type:name tables, each with a ! before it if it is not to match. NULL with
 * *error_r. */
struct sql_domains *sql_domains_new(const char *text, const struct table_family *family,
                                    char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* TABLE_FOUND if key is an address in one of the domains. TABLE_TEMP with *error_r. */
enum table_result sql_domains_match(const struct sql_domains *d, const char *key, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void sql_domains_free(struct sql_domains **d);

#endif
