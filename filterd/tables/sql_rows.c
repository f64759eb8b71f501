/* Makes one value of the fields that a query returns. Called by the clients for each field. */
#include "filterd/tables/sql_rows.h"

#include <string.h>

#include "filterd/tables/table_result.h"

void sql_rows_restart(struct sql_rows *rows)
{
    rows->count = 0;
    rows->trouble = NULL;
    g_string_truncate(rows->value, 0);
}

bool sql_rows_add(struct sql_rows *rows, const char *field, gsize len)
{
    if (!field || !len)
        return true;
    /* For Postfix a value ends at a zero byte. */
    const GString one = {(char *)field, rows->raw ? len : strnlen(field, len), 0};
    if (one.len > TABLE_VALUE_MAX) {
        rows->trouble = "a value over 1 MB";
        return false;
    }
    if (!sql_template_result(rows->format, rows->key, &one, rows->value))
        return true;
    rows->count++;
    if (rows->limit && rows->count > rows->limit)
        rows->trouble = "more values than expansion_limit";
    else if (rows->value->len > TABLE_VALUE_MAX)
        rows->trouble = "values over 1 MB together";
    return !rows->trouble;
}
