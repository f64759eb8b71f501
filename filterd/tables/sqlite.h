/* sqlite: tables in SQLite's files. */
#ifndef FILTERD_TABLES_SQLITE_H
#define FILTERD_TABLES_SQLITE_H

#include "filterd/tables/table_type.h"

extern const struct table_type sqlite_type;

#endif
