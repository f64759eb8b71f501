/* cdb: reads D. J. Bernstein's constant databases, the one compiled form that "postmap -s" does not print. */
#ifndef FILTERD_TABLES_CDB_H
#define FILTERD_TABLES_CDB_H

#include <glib.h>
#include <stdbool.h>

/* Appends "key TAB value LF" for each record of the file's bytes, as "postmap -s" does for others. Records with a
 * tab in the key, a line end or a zero byte in either are left out. False if the bytes are no such database. */
bool cdb_dump(const char *data, gsize len, GString *out);

#endif
