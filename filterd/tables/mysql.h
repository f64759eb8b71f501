/* mysql: tables in MariaDB or MySQL. */
#ifndef FILTERD_TABLES_MYSQL_H
#define FILTERD_TABLES_MYSQL_H

#include "filterd/tables/table_type.h"

extern const struct table_type mysql_type;

#endif
