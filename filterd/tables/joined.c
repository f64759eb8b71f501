/* Tables made of tables (DATABASE_README): unionmap:{a, b} joins the values of all that have one, pipemap:{a, b}
 * asks b for what a says. Called by member.c. */
#include "filterd/tables/joined.h"

#include <string.h>

#include "filterd/tables/list.h"

#define DEPTH_MAX 8
#define VALUE_MAX (2 << 20) /* member.c refuses less */

struct joined {
    const struct table_family *family;
    GPtrArray *members; /* of struct member* */
};

static void joined_free(void *data)
{
    struct joined *j = data;
    for (guint i = 0; i < j->members->len; i++) {
        struct member *m = j->members->pdata[i];
        j->family->free(&m);
    }
    g_ptr_array_unref(j->members);
    g_free(j);
}

static int depth_of(const char *text)
{
    int depth = 0, most = 0;
    for (; *text; text++) {
        depth += *text == '{' ? 1 : *text == '}' ? -1 : 0;
        most = MAX(most, depth);
    }
    return most;
}

static void *joined_open(const struct table_type *type, const char *name, const struct table_family *family,
                         char **error_r)
{
    const char *why = NULL;
    g_autofree char *inside = depth_of(name) > DEPTH_MAX ? NULL : list_inside(name, &why);
    if (!inside) {
        *error_r = g_strdup_printf("%s: %s", type->name, why ? why : "too many braces within braces");
        return NULL;
    }
    struct joined *j = g_new0(struct joined, 1);
    *j = (struct joined){family, g_ptr_array_new()};
    const char *at = inside;
    bool ok = true;
    for (char *item; ok && (item = list_next(&at)); g_free(item)) {
        struct member *m = family->open(item, error_r);
        ok = m != NULL;
        if (ok)
            g_ptr_array_add(j->members, m);
    }
    if (ok && !j->members->len) {
        *error_r = g_strdup_printf("%s: no table is named in the braces", type->name);
        ok = false;
    }
    if (ok)
        return j;
    joined_free(j);
    return NULL;
}

static unsigned joined_keys(const void *state)
{
    const struct joined *j = state;
    unsigned keys = 0;
    for (guint i = 0; i < j->members->len; i++)
        keys |= j->family->keys(j->members->pdata[i]);
    return keys;
}

static enum table_result union_ask(void *state, const char *key, unsigned flags, GString *value, char **error_r)
{
    const struct joined *j = state;
    enum table_result r = TABLE_NONE;
    GString *one = g_string_new(NULL);
    for (guint i = 0; r != TABLE_TEMP && i < j->members->len; i++) {
        g_string_truncate(one, 0);
        const enum table_result its = j->family->ask(j->members->pdata[i], key, flags, one, error_r);
        if (its == TABLE_FOUND && value->len < VALUE_MAX)
            g_string_append_printf(value, "%s%s", value->len ? "," : "", one->str);
        r = its == TABLE_NONE ? r : its;
    }
    g_string_free(one, TRUE);
    return r == TABLE_FOUND && !value->len ? TABLE_NONE : r; /* empty values add nothing, as in Postfix */
}

static enum table_result pipe_ask(void *state, const char *key, unsigned flags, GString *value, char **error_r)
{
    const struct joined *j = state;
    enum table_result r = TABLE_FOUND;
    g_string_assign(value, key);
    for (guint i = 0; r == TABLE_FOUND && i < j->members->len; i++) {
        g_autofree char *asked = g_strdup(value->str);
        g_string_truncate(value, 0);
        r = j->family->ask(j->members->pdata[i], asked, flags, value, error_r);
    }
    return r;
}

const struct table_type joined_unionmap = {"unionmap", joined_open, joined_keys, union_ask, joined_free};
const struct table_type joined_pipemap = {"pipemap", joined_open, joined_keys, pipe_ask, joined_free};
