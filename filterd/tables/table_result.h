/* table_result: what a lookup table can be asked, and what it can answer. */
#ifndef FILTERD_TABLES_TABLE_RESULT_H
#define FILTERD_TABLES_TABLE_RESULT_H

enum table_result {
    TABLE_TEMP = 0, /* the table cannot be asked now, or its answer makes no sense: as Postfix, answer 4xx */
    TABLE_FOUND,
    TABLE_NONE
};

enum table_flags {
    /* key is part of an address ("@domain", a bare local part): tables of patterns (pcre, regexp) are passed over,
     * as Postfix does. */
    TABLE_PARTIAL = 1,
    /* The value need not be UTF-8 and may hold zero bytes: for keys in a column. */
    TABLE_RAW = 2
};

#define TABLE_VALUE_MAX (1 << 20)
/* A longer key is not asked: TABLE_TEMP. */
#define TABLE_KEY_MAX (1 << 16)

#endif
