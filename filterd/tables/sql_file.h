/* sql_file: the file of an SQL table (pgsql_table(5) and the like): name = value, in main.cf's format. */
#ifndef FILTERD_TABLES_SQL_FILE_H
#define FILTERD_TABLES_SQL_FILE_H

#include <glib.h>
#include <stdbool.h>

struct sql_file;

/* NULL with *error_r, which names file and line. The memory that held its values is wiped when they are freed. */
struct sql_file *sql_file_read(const char *path, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
const char *sql_file_path(const struct sql_file *f);
/* The value of a parameter; otherwise if it is not in the file. Lent. */
const char *sql_file_get(const struct sql_file *f, const char *name, const char *otherwise);
/* The same for one that must be there and not be empty. NULL with *error_r. */
const char *sql_file_need(const struct sql_file *f, const char *name, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
bool sql_file_number(const struct sql_file *f, const char *name, int otherwise, int *value_r,
                     char **error_r) G_GNUC_WARN_UNUSED_RESULT;
bool sql_file_yes(const struct sql_file *f, const char *name, bool otherwise, bool *value_r,
                  char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void sql_file_free(struct sql_file **f);

#endif
