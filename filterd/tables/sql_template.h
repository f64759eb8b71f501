/* sql_template: the templates of SQL tables, with %s %u %d %S %U %D %1 to %9 and %%: query and result_format. */
#ifndef FILTERD_TABLES_SQL_TEMPLATE_H
#define FILTERD_TABLES_SQL_TEMPLATE_H

#include <glib.h>
#include <stdbool.h>

struct sql_template;

/* NULL if a % in it stands before something else. */
struct sql_template *sql_template_new(const char *text);
void sql_template_free(struct sql_template **t);

/* Appends text to out as it may stand between quotes in a query. False if it cannot. */
typedef bool sql_template_quote(void *arg, const char *text, gsize len, GString *out);

/* False if the key lacks something the query wants: then there is nothing to ask, and no result. */
bool sql_template_query_fits(const struct sql_template *t, const char *key);
/* Appends the query for a key that fits. False if a part of it cannot be quoted. */
bool sql_template_query(const struct sql_template *t, const char *key, sql_template_quote *quote, void *arg,
                        GString *out) G_GNUC_WARN_UNUSED_RESULT;

/* False if the key lacks something the format of a result wants. */
bool sql_template_result_fits(const struct sql_template *t, const char *key);
/* Appends one value, with a comma before it unless it is the first. False if the value lacks something: it is left
 * out. */
bool sql_template_result(const struct sql_template *t, const char *key, const GString *value, GString *out);

#endif
