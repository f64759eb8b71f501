/* Parses tag lists. Called by dkim_field.c and dmarc_record.c. */
#include "rules/auth/taglist.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

enum { TAGS_MAX = 64 };

struct taglist {
    GPtrArray *tags; /* name, value, name, value, ... */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *trimmed(const char *text, size_t len)
{
    while (len && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len && is_blank(text[len - 1]))
        len--;
    return g_strndup(text, len);
}

static bool is_name(const char *name)
{
    if (!g_ascii_isalpha(*name))
        return false;
    for (const char *p = name; *p; p++)
        if (!g_ascii_isalnum(*p) && *p != '_')
            return false;
    return true;
}

/* Adds one tag. A tag must not be empty; only after the last semicolon may nothing follow. */
static bool add_tag(struct taglist *t, const char *text, size_t len)
{
    const char *equals = memchr(text, '=', len);
    if (!equals || t->tags->len >= 2 * TAGS_MAX)
        return false;
    g_autofree char *name = trimmed(text, (size_t)(equals - text));
    if (!is_name(name) || taglist_get(t, name))
        return false;
    g_ptr_array_add(t->tags, g_steal_pointer(&name));
    g_ptr_array_add(t->tags, trimmed(equals + 1, len - (size_t)(equals - text) - 1));
    return true;
}

static bool all_allowed(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!g_ascii_isgraph(text[i]) && !is_blank(text[i]))
            return false;
    return true;
}

static bool all_blank(const char *text, size_t len)
{
    while (len && is_blank(text[len - 1]))
        len--;
    return !len;
}

static bool parse(struct taglist *t, const char *text, size_t len)
{
    const char *end = text + len;
    if (!all_allowed(text, len))
        return false;
    while (!all_blank(text, (size_t)(end - text))) {
        const char *stop = memchr(text, ';', (size_t)(end - text));
        if (!add_tag(t, text, (size_t)((stop ? stop : end) - text)))
            return false;
        text = stop ? stop + 1 : end;
    }
    return true;
}

struct taglist *taglist_new(const char *text, size_t len)
{
    struct taglist *t = g_new0(struct taglist, 1);
    t->tags = g_ptr_array_new_with_free_func(g_free);
    if (!parse(t, text, len))
        taglist_free(&t);
    return t;
}

void taglist_free(struct taglist **t)
{
    if (!*t)
        return;
    g_ptr_array_unref((*t)->tags);
    g_clear_pointer(t, g_free);
}

const char *taglist_get(const struct taglist *t, const char *name)
{
    for (guint i = 0; i + 1 < t->tags->len; i += 2)
        if (strcmp(t->tags->pdata[i], name) == 0)
            return t->tags->pdata[i + 1];
    return NULL;
}

const char *taglist_first(const struct taglist *t)
{
    return t->tags->len ? t->tags->pdata[0] : "";
}
