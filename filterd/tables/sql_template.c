/* Fills the templates of SQL tables (pgsql_table(5), query and result_format). Called by sql.c. */
#include "filterd/tables/sql_template.h"

#include <string.h>

struct piece {
    char letter;   /* s u d S U D 1 to 9; 0 for literal text */
    char *literal; /* of it alone */
};

struct sql_template {
    GArray *pieces; /* of struct piece */
};

struct part {
    const char *text;
    gsize len;
};

static void piece_clear(gpointer data)
{
    g_free(((struct piece *)data)->literal);
}

static void add_literal(struct sql_template *t, GString *literal)
{
    struct piece p = {0, g_strdup(literal->str)};
    if (literal->len)
        g_array_append_val(t->pieces, p);
    else
        g_free(p.literal);
    g_string_truncate(literal, 0);
}

struct sql_template *sql_template_new(const char *text)
{
    struct sql_template *t = g_new0(struct sql_template, 1);
    GString *literal = g_string_new(NULL);
    t->pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
    g_array_set_clear_func(t->pieces, piece_clear);
    for (; t && *text; text++) {
        if (*text != '%' || text[1] == '%') {
            g_string_append_c(literal, *text);
            text += *text == '%';
            continue;
        }
        struct piece p = {*++text, NULL};
        if (!p.letter || !strchr("sudSUD123456789", p.letter)) {
            sql_template_free(&t);
            break;
        }
        add_literal(t, literal);
        g_array_append_val(t->pieces, p);
    }
    if (t)
        add_literal(t, literal);
    g_string_free(literal, TRUE);
    return t;
}

void sql_template_free(struct sql_template **t)
{
    if (!*t)
        return;
    g_array_unref((*t)->pieces);
    g_clear_pointer(t, g_free);
}

/* The label of a domain that is so many from its end, as argv_split counts: dots side by side are one. */
static bool label(const char *domain, int number, struct part *out)
{
    const char *end = domain + strlen(domain), *begin;
    for (; number > 0; number--, end = begin) {
        while (end > domain && end[-1] == '.')
            end--;
        for (begin = end; begin > domain && begin[-1] != '.';)
            begin--;
        *out = (struct part){begin, (gsize)(end - begin)};
        if (!out->len)
            return false;
    }
    return true;
}

/* What a letter stands for in text, of which len bytes count; false if it has no such part. */
static bool part_of(const char *text, gsize len, char letter, struct part *out)
{
    const char *at = memrchr(text, '@', len);
    switch (g_ascii_tolower(letter)) {
    case 's':
        *out = (struct part){text, len};
        return len > 0;
    case 'u':
        *out = (struct part){text, at ? (gsize)(at - text) : len};
        return out->len > 0;
    case 'd':
        *out = at ? (struct part){at + 1, len - (gsize)(at + 1 - text)} : (struct part){text, 0};
        return out->len > 0;
    default:
        return at && label(at + 1, letter - '0', out);
    }
}

static bool is_of_key(char letter)
{
    return letter && !g_ascii_islower(letter);
}

static bool fits(const struct sql_template *t, const char *key, bool all)
{
    struct part part;
    const gsize len = strlen(key);
    for (guint i = 0; i < t->pieces->len; i++) {
        const char letter = g_array_index(t->pieces, struct piece, i).letter;
        if ((all ? letter != 0 : is_of_key(letter)) && !part_of(key, len, letter, &part))
            return false;
    }
    return true;
}

bool sql_template_query_fits(const struct sql_template *t, const char *key)
{
    return *key && fits(t, key, true);
}

bool sql_template_result_fits(const struct sql_template *t, const char *key)
{
    return fits(t, key, false);
}

bool sql_template_query(const struct sql_template *t, const char *key, sql_template_quote *quote, void *arg,
                        GString *out)
{
    const gsize len = strlen(key);
    struct part part;
    bool ok = true;
    for (guint i = 0; ok && i < t->pieces->len; i++) {
        const struct piece *p = &g_array_index(t->pieces, struct piece, i);
        if (!p->letter)
            g_string_append(out, p->literal);
        else if (part_of(key, len, p->letter, &part))
            ok = quote(arg, part.text, part.len, out);
    }
    return ok;
}

bool sql_template_result(const struct sql_template *t, const char *key, const GString *value, GString *out)
{
    const gsize before = out->len, key_len = strlen(key);
    bool ok = value->len > 0;
    if (ok && before)
        g_string_append_c(out, ',');
    for (guint i = 0; ok && i < t->pieces->len; i++) {
        const struct piece *p = &g_array_index(t->pieces, struct piece, i);
        struct part part = {p->literal, p->letter ? 0 : strlen(p->literal)};
        if (p->letter)
            ok = is_of_key(p->letter) ? part_of(key, key_len, p->letter, &part)
                                      : part_of(value->str, value->len, p->letter, &part);
        if (ok)
            g_string_append_len(out, part.text, (gssize)part.len);
    }
    if (!ok)
        g_string_truncate(out, before);
    return ok;
}
