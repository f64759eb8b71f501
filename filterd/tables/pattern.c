/* Tables of regular expressions: pcre:/file, regexp:/file, and with their rules in the name, pcre:{ {rule}, ... }.
 * Called by member.c. */
#include "filterd/tables/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/tables/lines.h"
#include "filterd/tables/list.h"
#include "filterd/tables/pattern_pcre.h"
#include "filterd/tables/pattern_regexp.h"
#include "filterd/tables/pattern_rules.h"

#define FILE_MAX ((gsize)16 << 20)
#define VALUE_MAX (2 << 20) /* member.c refuses less */

struct pattern {
    const struct pattern_engine *engine;
    char *name; /* type:path, or the type if the rules are in the name */
    char *path; /* NULL: the rules are in the name */
    struct pattern_rules *rules;
    struct lines_stamp stamp;
};

static void pattern_free(void *data)
{
    struct pattern *p = data;
    pattern_rules_free(&p->rules);
    g_free(p->name);
    g_free(p->path);
    g_free(p);
}

static bool load(struct pattern *p, char **error_r)
{
    g_autofree char *text = NULL;
    gsize len;
    struct lines_stamp stamp;
    pattern_rules_free(&p->rules);
    if (!lines_stamp(p->path, &stamp)) {
        *error_r = g_strdup_printf("%s: %s", p->path, g_strerror(errno));
        return false;
    }
    if (!lines_read(p->path, FILE_MAX, &text, &len, error_r))
        return false;
    p->rules = pattern_rules_read(p->engine, p->path, text, len);
    p->stamp = stamp;
    return true;
}

/* Makes of { {rule}, {rule} } the file it stands for. */
static bool load_name(struct pattern *p, const char *name, char **error_r)
{
    const char *why = NULL;
    g_autofree char *inside = list_inside(name, &why);
    GString *text = g_string_new(NULL);
    const char *at = inside ? inside : "";
    for (char *item; !why && (item = list_next(&at)); g_free(item)) {
        g_autofree char *rule = list_inside(item, &why);
        if (rule)
            g_string_append_printf(text, "%s\n", rule);
    }
    if (why)
        *error_r = g_strdup_printf("%s: %s", p->name, why);
    else
        p->rules = pattern_rules_read(p->engine, p->name, text->str, text->len);
    g_string_free(text, TRUE);
    return !why;
}

static void *open_with(const struct pattern_engine *engine, const struct table_type *type, const char *name,
                       char **error_r)
{
    struct pattern *p = g_new0(struct pattern, 1);
    bool ok;
    p->engine = engine;
    if (*name == '{') {
        p->name = g_strdup(type->name);
        ok = load_name(p, name, error_r);
    } else {
        p->name = g_strdup_printf("%s:%s", type->name, name);
        p->path = g_strdup(name);
        ok = *name == '/';
        if (!ok)
            *error_r = g_strdup_printf("%s: expected the full path of a file", p->name);
        ok = ok && load(p, error_r);
    }
    if (ok)
        return p;
    pattern_free(p);
    return NULL;
}

static void *pcre_open(const struct table_type *type, const char *name, const struct table_family *family,
                       char **error_r)
{
    (void)family;
    return open_with(&pattern_pcre_engine, type, name, error_r);
}

static void *regexp_open(const struct table_type *type, const char *name, const struct table_family *family,
                         char **error_r)
{
    (void)family;
    return open_with(&pattern_regexp_engine, type, name, error_r);
}

static unsigned pattern_keys(const void *state)
{
    (void)state;
    return TABLE_KEYS_PATTERN;
}

static void expand(const struct pattern *p, const struct pattern_rule *r, const char *key, GString *value)
{
    for (guint i = 0; i < r->pieces->len && value->len < VALUE_MAX; i++) {
        gsize begin, end;
        if (i % 2 == 0) {
            g_string_append(value, r->pieces->pdata[i]);
            continue;
        }
        p->engine->group(r->code, (guint)strtoul(r->pieces->pdata[i], NULL, 10), &begin, &end);
        g_string_append_len(value, key + begin, (gssize)(end - begin));
    }
}

static enum table_result search(const struct pattern *p, const char *key, GString *value)
{
    const GPtrArray *rules = p->rules->rules;
    for (guint i = 0; i < rules->len;) {
        const struct pattern_rule *r = rules->pdata[i++];
        if (r->kind == PATTERN_ENDIF)
            continue;
        const enum pattern_match match = p->engine->match(r->code, key);
        if (match == PATTERN_FAILED)
            return TABLE_TEMP;
        const bool hit = (match == PATTERN_MATCHES) != r->negated;
        if (r->kind == PATTERN_IF && !hit)
            i = r->after;
        if (r->kind == PATTERN_RULE && hit) {
            expand(p, r, key, value);
            return TABLE_FOUND;
        }
    }
    return TABLE_NONE;
}

static enum table_result pattern_ask(void *state, const char *key, unsigned flags, GString *value, char **error_r)
{
    struct pattern *p = state;
    struct lines_stamp now;
    (void)flags;
    const bool same = p->rules && (!p->path || (lines_stamp(p->path, &now) && lines_stamp_is(&now, &p->stamp)));
    if (!same && !load(p, error_r))
        return TABLE_TEMP;
    const enum table_result r = search(p, key, value);
    if (r == TABLE_TEMP)
        *error_r = g_strdup_printf("%s: a pattern could not be matched within its limits", p->name);
    return r;
}

const struct table_type pattern_pcre = {"pcre", pcre_open, pattern_keys, pattern_ask, pattern_free};
const struct table_type pattern_regexp = {"regexp", regexp_open, pattern_keys, pattern_ask, pattern_free};
