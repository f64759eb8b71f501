/* A chain of tables, asked one after the other as Postfix's maps_find does: the first value counts, and a table
 * that fails ends the search. Called by the process that reads the operators' tables. */
#include "filterd/tables/table.h"

#include <string.h>

#include "filterd/tables/list.h"
#include "filterd/tables/member.h"

struct table {
    GPtrArray *members; /* of struct member* */
    const struct member *answered;
};

static void free_member(gpointer data)
{
    struct member *m = data;
    member_free(&m);
}

/* An error quotes what operators wrote and servers said: in one line. */
static void one_line(char *error)
{
    for (; error && *error; error++)
        if ((unsigned char)*error < ' ' || *error == 0x7f)
            *error = ' ';
}

struct table *table_open(const char *chain, char **error_r)
{
    struct table *t = g_new0(struct table, 1);
    t->members = g_ptr_array_new_with_free_func(free_member);
    for (char *item; t && (item = list_next(&chain));) {
        struct member *m = member_open(item, error_r);
        if (m)
            g_ptr_array_add(t->members, m);
        else
            table_free(&t);
        g_free(item);
    }
    if (t && !t->members->len) {
        *error_r = g_strdup("no table is named");
        table_free(&t);
    }
    if (!t)
        one_line(*error_r);
    return t;
}

enum table_result table_ask(struct table *t, const char *key, unsigned flags, GString **value_r, char **error_r)
{
    enum table_result r = TABLE_NONE;
    GString *value = g_string_new(NULL);
    t->answered = NULL;
    *value_r = NULL;
    if (strlen(key) > TABLE_KEY_MAX) {
        *error_r = g_strdup("the key is too long");
        r = TABLE_TEMP;
    }
    for (guint i = 0; r == TABLE_NONE && i < t->members->len; i++) {
        struct member *m = t->members->pdata[i];
        g_string_truncate(value, 0);
        r = member_ask(m, key, flags, value, error_r);
        /* Postfix calls that a mistake in the table, and defers. */
        if (r == TABLE_FOUND && !value->len) {
            *error_r = g_strdup_printf("%s: an empty value", member_name(m));
            r = TABLE_TEMP;
        }
        t->answered = r == TABLE_NONE ? NULL : m;
    }
    if (r == TABLE_TEMP)
        one_line(*error_r);
    if (r == TABLE_FOUND)
        *value_r = g_steal_pointer(&value);
    else
        g_string_free(value, TRUE);
    return r;
}

enum table_result table_get(struct table *t, const char *key, char **value_r, char **error_r)
{
    GString *value;
    const enum table_result r = table_ask(t, key, 0, &value, error_r);
    *value_r = value ? g_string_free(value, FALSE) : NULL;
    return r;
}

const char *table_answered_by(const struct table *t)
{
    return t->answered ? member_name(t->answered) : NULL;
}

void table_free(struct table **t)
{
    if (!*t)
        return;
    g_ptr_array_unref((*t)->members);
    g_clear_pointer(t, g_free);
}
