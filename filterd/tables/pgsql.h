/* pgsql: tables in PostgreSQL. */
#ifndef FILTERD_TABLES_PGSQL_H
#define FILTERD_TABLES_PGSQL_H

#include "filterd/tables/table_type.h"

extern const struct table_type pgsql_type;

#endif
