/* table: a chain of Postfix's lookup tables ("proxy:pgsql:/etc/postfix/x.cf hash:/etc/aliases"), asked as Postfix
 * asks them.
 *
 * Single-threaded; connections are made at the first lookup that needs them, belong to the process that asked,
 * and are made again when they are lost. */
#ifndef FILTERD_TABLES_TABLE_H
#define FILTERD_TABLES_TABLE_H

#include <glib.h>

#include "filterd/tables/table_result.h"

struct table;

/* chain is written as in main.cf: type:name with blanks or commas between, {...} for what holds blanks; proxy: is
 * taken off. Reads the map files, and connects to nothing yet. NULL with *error_r (g_free) for what can never
 * work: a type unknown here, a map file that cannot be read, a parameter that is missing. */
struct table *table_open(const char *chain, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

/* What "postmap -q key chain" prints (several values joined by commas), g_free. TABLE_TEMP with *error_r (g_free)
 * if a table cannot be asked now; the error names the table, never the key. */
enum table_result table_get(struct table *t, const char *key, char **value_r, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

/* The same with flags, an or of enum table_flags; on TABLE_FOUND *value_r is a new string, at most TABLE_VALUE_MAX
 * bytes. */
enum table_result table_ask(struct table *t, const char *key, unsigned flags, GString **value_r,
                            char **error_r) G_GNUC_WARN_UNUSED_RESULT;

/* The member of the chain ("hash:/etc/aliases") that gave the last answer, or failed; NULL if none did. Lent. */
const char *table_answered_by(const struct table *t);

void table_free(struct table **t);

#endif
