/* table_type: what a type of table (hash, pcre, pgsql ...) has to offer, and what it gets from member.c. */
#ifndef FILTERD_TABLES_TABLE_TYPE_H
#define FILTERD_TABLES_TABLE_TYPE_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/tables/table_result.h"

/* What keys a type knows, an or of these. */
enum table_keys {
    TABLE_KEYS_FIXED = 1,  /* strings: a key is folded to lower case, and may be part of an address */
    TABLE_KEYS_PATTERN = 2 /* patterns: a key is a whole address, as it is */
};

struct member; /* one table: member.c */

/* For types whose tables are made of others; member.c's own functions. */
struct table_family {
    struct member *(*open)(const char *type_name, char **error_r);
    enum table_result (*ask)(struct member *m, const char *key, unsigned flags, GString *value, char **error_r);
    unsigned (*keys)(const struct member *m);
    void (*free)(struct member **m);
};

struct table_type {
    const char *name;
    /* name is what is behind "type:". NULL with *error_r, which names the table. */
    void *(*open)(const struct table_type *type, const char *name, const struct table_family *family, char **error_r);
    unsigned (*keys)(const void *state); /* NULL: TABLE_KEYS_FIXED */
    /* Appends to value, which is empty; flags as in table.h. *error_r only with TABLE_TEMP. */
    enum table_result (*ask)(void *state, const char *key, unsigned flags, GString *value, char **error_r);
    void (*close)(void *state);
};

#endif
