/* milter_mta: a message as an MTA holds it, and how it carries out a milter's edits. */
#ifndef T_UNIT_MILTER_MTA_H
#define T_UNIT_MILTER_MTA_H

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mail/header.h"
#include "filterd/session/milter_edits.h"

struct field {
    char *name, *value;
};

static void field_free(gpointer p)
{
    struct field *f = p;
    g_free(f->name);
    g_free(f->value);
    g_free(f);
}

static struct field *field_new(const char *name, const char *value)
{
    struct field *f = g_new(struct field, 1);
    *f = (struct field){g_strdup(name), g_strdup(value)};
    return f;
}

/* The fields of a message, folded by LF as in an MTA. */
static GPtrArray *fields_of(const char *text, size_t len)
{
    size_t n;
    GPtrArray *list = g_ptr_array_new_with_free_func(field_free);
    struct header *h;
    if (!milter_edits_fields(text, len, NULL, &h, &n))
        abort();
    for (size_t i = 0; i < n; i++) {
        char *name = g_strndup(h[i].name, h[i].name_len);
        char *value = g_strndup(h[i].value, h[i].value_len);
        GString *folded = g_string_new(value);
        g_string_replace(folded, "\r\n", "\n", 0);
        g_ptr_array_add(list, field_new(name, folded->str));
        g_string_free(folded, TRUE);
        g_free(name);
        g_free(value);
    }
    g_free(h);
    return list;
}

static guint find(const GPtrArray *list, const char *name, guint number)
{
    for (guint i = 0; i < list->len; i++) {
        const struct field *f = list->pdata[i];
        if (g_ascii_strcasecmp(f->name, name) == 0 && --number == 0)
            return i;
    }
    abort(); /* there is no such field */
}

static void apply(GPtrArray *list, GVariant *edit)
{
    guchar kind;
    guint32 number;
    const char *name, *value;
    g_variant_get(edit, MILTER_EDIT_FORMAT, &kind, &number, &name, &value);
    if (kind == MILTER_EDIT_DELETE) {
        g_ptr_array_remove_index(list, find(list, name, number));
    } else if (kind == MILTER_EDIT_CHANGE) {
        struct field *f = list->pdata[find(list, name, number)];
        if (!*value)
            abort(); /* it would be deleted */
        g_free(f->name);
        g_free(f->value);
        *f = (struct field){g_strdup(name), g_strdup(value)};
    } else {
        g_ptr_array_insert(list, kind == MILTER_EDIT_TOP ? 0 : (gint)list->len,
                           field_new(name, value));
    }
}

static char *joined(const GPtrArray *list)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const struct field *f = list->pdata[i];
        g_string_append_printf(out, "%s:%s\n", f->name, f->value);
    }
    return g_string_free(out, FALSE);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Fields in any order. */
static char *sorted(const char *text)
{
    char **lines = g_strsplit(text, "\n", -1);
    qsort(lines, g_strv_length(lines), sizeof *lines, by_text);
    char *all = g_strjoinv("\n", lines);
    g_strfreev(lines);
    return all;
}

#endif
