/* Tables that are text: texthash:/file (postmap(1) has its format), inline:{ key = value, ... } and static:value.
 * Called by member.c. */
#include "filterd/tables/text.h"

#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "base/log.h"
#include "filterd/tables/lines.h"
#include "filterd/tables/list.h"
#include "filterd/tables/postmap.h"

#define FILE_MAX ((gsize)256 << 20)

struct text {
    char *path;         /* texthash alone */
    GHashTable *values; /* folded key => value; NULL: the file could not be read */
    struct lines_stamp stamp;
};

static void text_free(void *data)
{
    struct text *t = data;
    g_clear_pointer(&t->values, g_hash_table_unref);
    g_free(t->path);
    g_free(t);
}

static GHashTable *values_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static char *fold(const char *key)
{
    return postmap_facts()->utf8 ? address_folded(key) : g_ascii_strdown(key, -1);
}

#define BLANKS " \t\r\v\f"

/* Where the key at text ends: at the first blank that is not within double quotes, which belong to the key. NULL if
 * the quotes do not end. */
static const char *key_end(const char *text)
{
    bool quoted = false;
    for (; *text && (quoted || !strchr(BLANKS, *text)); text++) {
        if (*text == '\\' && text[1])
            text++;
        else if (*text == '"')
            quoted = !quoted;
    }
    return quoted ? NULL : text;
}

/* A line that makes no sense is passed over, as Postfix does; the first of two with one key counts. */
static void add_line(GHashTable *values, const char *path, int number, const char *line)
{
    const char *end = key_end(line);
    const char *value = end ? end + strspn(end, BLANKS) : "";
    g_autofree char *key = end ? g_strndup(line, (gsize)(end - line)) : g_strdup("");
    if (!*key || !*value || (postmap_facts()->utf8 && !g_utf8_validate(line, -1, NULL))) {
        log_warn("%s:%d: not a key and a value, in UTF-8: the line is passed over", path, number);
        return;
    }
    char *folded = fold(key);
    if (g_hash_table_contains(values, folded)) {
        log_warn("%s:%d: the key occurs before: the line is passed over", path, number);
        g_free(folded);
        return;
    }
    g_hash_table_insert(values, folded, g_strdup(value));
}

static bool load(struct text *t, char **error_r)
{
    g_autofree char *content = NULL;
    gsize len;
    int number;
    g_clear_pointer(&t->values, g_hash_table_unref);
    memset(&t->stamp, 0, sizeof t->stamp);
    struct lines_stamp stamp; /* taken first: a change while we read is seen at the next lookup */
    if (!lines_stamp(t->path, &stamp)) {
        *error_r = g_strdup_printf("%s: %s", t->path, g_strerror(errno));
        return false;
    }
    if (!lines_read(t->path, FILE_MAX, &content, &len, error_r))
        return false;
    GString *line = g_string_new(NULL);
    struct lines lines = lines_of(content, len);
    t->values = values_new();
    while (lines_next(&lines, line, &number))
        add_line(t->values, t->path, number, line->str);
    g_string_free(line, TRUE);
    t->stamp = stamp;
    return true;
}

static void *texthash_open(const struct table_type *type, const char *name, const struct table_family *family,
                           char **error_r)
{
    (void)family;
    if (*name != '/') {
        *error_r = g_strdup_printf("%s:%s: expected the full path of a file", type->name, name);
        return NULL;
    }
    struct text *t = g_new0(struct text, 1);
    t->path = g_strdup(name);
    if (load(t, error_r))
        return t;
    text_free(t);
    return NULL;
}

static enum table_result lookup(const struct text *t, const char *key, GString *value)
{
    const char *found = g_hash_table_lookup(t->values, key);
    if (!found)
        return TABLE_NONE;
    g_string_append(value, found);
    return TABLE_FOUND;
}

static enum table_result texthash_ask(void *state, const char *key, unsigned flags, GString *value, char **error_r)
{
    struct text *t = state;
    struct lines_stamp now;
    (void)flags;
    const bool same = t->values && lines_stamp(t->path, &now) && lines_stamp_is(&now, &t->stamp);
    if (!same && !load(t, error_r))
        return TABLE_TEMP;
    return lookup(t, key, value);
}

/* Adds "key = value" or "{ key = value }". */
static bool add_pair(GHashTable *values, const char *item, char **error_r)
{
    const char *why = NULL;
    char *key, *value;
    g_autofree char *inside = *item == '{' ? list_inside(item, &why) : g_strdup(item);
    if (!inside || !list_pair(inside, &key, &value)) {
        *error_r = g_strdup_printf("inline: \"%.100s\": %s", item, why ? why : "expected key = value");
        return false;
    }
    g_hash_table_replace(values, fold(key), value); /* the last of two with one key counts */
    g_free(key);
    return true;
}

static void *inline_open(const struct table_type *type, const char *name, const struct table_family *family,
                         char **error_r)
{
    const char *why;
    (void)type, (void)family;
    g_autofree char *inside = list_inside(name, &why);
    if (!inside) {
        *error_r = g_strdup_printf("inline: %s", why);
        return NULL;
    }
    struct text *t = g_new0(struct text, 1);
    t->values = values_new();
    const char *at = inside;
    bool ok = true;
    for (char *item; ok && (item = list_next(&at)); g_free(item))
        ok = add_pair(t->values, item, error_r);
    if (ok && !g_hash_table_size(t->values)) {
        *error_r = g_strdup("inline: there is nothing in the braces");
        ok = false;
    }
    if (ok)
        return t;
    text_free(t);
    return NULL;
}

static enum table_result inline_ask(void *state, const char *key, unsigned flags, GString *value, char **error_r)
{
    (void)flags, (void)error_r;
    return lookup(state, key, value);
}

static void *static_open(const struct table_type *type, const char *name, const struct table_family *family,
                         char **error_r)
{
    const char *why;
    (void)type, (void)family;
    char *value = *name == '{' ? list_inside(name, &why) : g_strdup(name);
    if (!value)
        *error_r = g_strdup_printf("static: %s", why);
    return value;
}

static enum table_result static_ask(void *state, const char *key, unsigned flags, GString *value, char **error_r)
{
    (void)key, (void)flags, (void)error_r;
    g_string_append(value, state);
    return TABLE_FOUND;
}

const struct table_type text_texthash = {"texthash", texthash_open, NULL, texthash_ask, text_free};
const struct table_type text_inline = {"inline", inline_open, NULL, inline_ask, text_free};
const struct table_type text_static = {"static", static_open, NULL, static_ask, g_free};
