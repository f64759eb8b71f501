/* One table of a chain: finds its type, folds its keys, and holds keys and values to what Postfix demands of them
 * (DATABASE_README, SMTPUTF8_README). Called by table.c, and by types whose tables are made of others. */
#include "filterd/tables/member.h"

#include <string.h>

#include "base/address.h"
#include "filterd/tables/compiled.h"
#include "filterd/tables/joined.h"
#include "filterd/tables/list.h"
#include "filterd/tables/mysql.h"
#include "filterd/tables/pattern.h"
#include "filterd/tables/pgsql.h"
#include "filterd/tables/postmap.h"
#include "filterd/tables/sqlite.h"
#include "filterd/tables/text.h"

struct member {
    const struct table_type *type;
    char *name; /* type:name, as it was written */
    void *state;
};

static const struct table_type *const types[] = {
    &text_texthash, &text_inline, &text_static, &compiled_hash, &compiled_btree, &compiled_lmdb, &compiled_cdb,
    &pattern_pcre, &pattern_regexp, &joined_unionmap, &joined_pipemap, &mysql_type, &pgsql_type, &sqlite_type};

static const struct table_type *find_type(const char *name, size_t len)
{
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (strlen(types[i]->name) == len && !strncmp(types[i]->name, name, len))
            return types[i];
    return NULL;
}

static unsigned keys_of(const struct member *m)
{
    return m->type->keys ? m->type->keys(m->state) : TABLE_KEYS_FIXED;
}

static const struct table_family family = {member_open, member_ask, keys_of, member_free};

static char *unknown_type(const char *name, size_t len)
{
    GString *known = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        g_string_append_printf(known, "%s%s", i ? " " : "", types[i]->name);
    g_autofree char *list = g_string_free(known, FALSE);
    return g_strdup_printf("%.*s: tables of this type cannot be read here (those that can: %s)",
                           (int)MIN(len, 40), name, list);
}

struct member *member_open(const char *type_name, char **error_r)
{
    static const char proxy[] = "proxy:";
    const char *name = type_name;
    while (!strncmp(name, proxy, sizeof proxy - 1))
        name += sizeof proxy - 1;
    const char *colon = strchr(name, ':');
    const size_t len = colon ? (size_t)(colon - name) : 0;
    const struct table_type *type = find_type(name, len);
    if (!len || !colon[1]) {
        *error_r = g_strdup_printf("\"%.100s\": expected type:name, such as hash:/etc/aliases", type_name);
        return NULL;
    }
    if (!type) {
        *error_r = unknown_type(name, len);
        return NULL;
    }
    void *state = type->open(type, colon + 1, &family, error_r);
    if (!state)
        return NULL;
    struct member *m = g_new0(struct member, 1);
    *m = (struct member){type, g_strdup(type_name), state};
    return m;
}

static enum table_result check_value(const struct member *m, unsigned flags, const GString *value, char **error_r)
{
    const char *why = NULL;
    if (value->len > TABLE_VALUE_MAX)
        why = "a value over 1 MB";
    else if (!(flags & TABLE_RAW) && memchr(value->str, '\0', value->len))
        why = "a value with a zero byte in it";
    else if (!(flags & TABLE_RAW) && postmap_facts()->utf8 && !g_utf8_validate(value->str, (gssize)value->len, NULL))
        why = "a value that is not UTF-8";
    if (!why)
        return TABLE_FOUND;
    *error_r = g_strdup_printf("%s: %s", m->name, why);
    return TABLE_TEMP;
}

enum table_result member_ask(struct member *m, const char *key, unsigned flags, GString *value, char **error_r)
{
    const unsigned keys = keys_of(m);
    if ((flags & TABLE_PARTIAL) && !(keys & TABLE_KEYS_FIXED))
        return TABLE_NONE;
    if (postmap_facts()->utf8 && !g_utf8_validate(key, -1, NULL))
        return TABLE_NONE;
    g_autofree char *folded = !(keys & TABLE_KEYS_FIXED) ? NULL
                              : postmap_facts()->utf8    ? address_folded(key)
                                                         : g_ascii_strdown(key, -1);
    const enum table_result r = m->type->ask(m->state, folded ? folded : key, flags, value, error_r);
    return r == TABLE_FOUND ? check_value(m, flags, value, error_r) : r;
}

const char *member_name(const struct member *m)
{
    return m->name;
}

void member_free(struct member **m)
{
    if (!*m)
        return;
    (*m)->type->close((*m)->state);
    g_free((*m)->name);
    g_clear_pointer(m, g_free);
}
