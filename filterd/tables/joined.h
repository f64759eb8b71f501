/* joined: tables made of tables: unionmap and pipemap. */
#ifndef FILTERD_TABLES_JOINED_H
#define FILTERD_TABLES_JOINED_H

#include "filterd/tables/table_type.h"

extern const struct table_type joined_unionmap, joined_pipemap;

#endif
