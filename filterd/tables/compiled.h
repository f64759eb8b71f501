/* compiled: tables that postmap(1) makes of text: hash, btree, lmdb, cdb. */
#ifndef FILTERD_TABLES_COMPILED_H
#define FILTERD_TABLES_COMPILED_H

#include "filterd/tables/table_type.h"

extern const struct table_type compiled_hash, compiled_btree, compiled_lmdb, compiled_cdb;

#endif
