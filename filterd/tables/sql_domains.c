/* The domain parameter of SQL tables: only addresses with a local part and a domain of this list are asked for. The
 * first pattern that matches decides, as in all of Postfix's lists. Called by sql.c. */
#include "filterd/tables/sql_domains.h"

#include <stdbool.h>
#include <string.h>

#include "base/address.h"
#include "filterd/tables/lines.h"
#include "filterd/tables/list.h"

#define FILE_MAX ((gsize)16 << 20)
#define FILES_DEEP 4

struct pattern {
    bool negated;
    char *name;           /* folded; NULL if it is a table */
    struct member *table;
};

struct sql_domains {
    const struct table_family *family;
    GArray *patterns; /* of struct pattern */
};

void sql_domains_free(struct sql_domains **d)
{
    if (!*d)
        return;
    for (guint i = 0; i < (*d)->patterns->len; i++) {
        struct pattern *p = &g_array_index((*d)->patterns, struct pattern, i);
        g_free(p->name);
        if (p->table)
            (*d)->family->free(&p->table);
    }
    g_array_unref((*d)->patterns);
    g_clear_pointer(d, g_free);
}

static bool add_list(struct sql_domains *d, const char *text, bool negated, int depth, char **error_r);

static bool add_file(struct sql_domains *d, const char *path, bool negated, int depth, char **error_r)
{
    g_autofree char *text = NULL;
    gsize len;
    int number;
    bool ok = depth < FILES_DEEP;
    if (!ok)
        *error_r = g_strdup_printf("%s: too many files within files", path);
    if (!ok || !lines_read(path, FILE_MAX, &text, &len, error_r))
        return false;
    struct lines lines = lines_of(text, len);
    GString *line = g_string_new(NULL);
    while (ok && lines_next(&lines, line, &number))
        ok = add_list(d, line->str, negated, depth + 1, error_r);
    g_string_free(line, TRUE);
    return ok;
}

static bool add_item(struct sql_domains *d, const char *item, bool negated, int depth, char **error_r)
{
    for (; *item == '!'; item++)
        negated = !negated;
    if (*item == '/')
        return add_file(d, item, negated, depth, error_r);
    struct pattern p = {negated, NULL, NULL};
    if (strchr(item, ':') && *item != '[')
        p.table = d->family->open(item, error_r);
    else
        p.name = address_folded(item);
    if (p.table || p.name)
        g_array_append_val(d->patterns, p);
    return p.table || p.name;
}

static bool add_list(struct sql_domains *d, const char *text, bool negated, int depth, char **error_r)
{
    bool ok = true;
    for (char *item; ok && (item = list_next(&text)); g_free(item))
        ok = add_item(d, item, negated, depth, error_r);
    return ok;
}

struct sql_domains *sql_domains_new(const char *text, const struct table_family *family, char **error_r)
{
    struct sql_domains *d = g_new0(struct sql_domains, 1);
    *d = (struct sql_domains){family, g_array_new(FALSE, FALSE, sizeof(struct pattern))};
    if (!add_list(d, text, false, 0, error_r))
        sql_domains_free(&d);
    return d;
}

static enum table_result matches(const struct sql_domains *d, const struct pattern *p, const char *domain, char **error_r)
{
    if (p->name)
        return strcmp(p->name, domain) ? TABLE_NONE : TABLE_FOUND;
    GString *value = g_string_new(NULL);
    const enum table_result r = d->family->ask(p->table, domain, 0, value, error_r);
    g_string_free(value, TRUE);
    return r;
}

enum table_result sql_domains_match(const struct sql_domains *d, const char *key, char **error_r)
{
    const char *at = strrchr(key, '@');
    if (!at || at == key || !at[1])
        return TABLE_NONE;
    g_autofree char *domain = address_folded(at + 1);
    for (guint i = 0; i < d->patterns->len; i++) {
        const struct pattern *p = &g_array_index(d->patterns, struct pattern, i);
        const enum table_result r = matches(d, p, domain, error_r);
        if (r != TABLE_NONE)
            return r == TABLE_FOUND && p->negated ? TABLE_NONE : r;
    }
    return TABLE_NONE;
}
