#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "classifier/text.h"

static const struct entity {
    const char *name;
    gunichar c;
} entities[] = {
    {"amp", '&'},    {"lt", '<'},     {"gt", '>'},     {"quot", '"'},     {"apos", '\''},
    {"nbsp", ' '},   {"copy", 0xA9},  {"reg", 0xAE},   {"euro", 0x20AC},  {"pound", 0xA3},
    {"auml", 0xE4},  {"ouml", 0xF6},  {"uuml", 0xFC},  {"szlig", 0xDF},   {"Auml", 0xC4},
    {"Ouml", 0xD6},  {"Uuml", 0xDC},  {"eacute", 0xE9}, {"egrave", 0xE8}, {"agrave", 0xE0},
    {"ccedil", 0xE7}, {"ntilde", 0xF1}, {"shy", 0xAD}, {"rsquo", 0x2019}, {"lsquo", 0x2018},
    {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"zwnj", 0x200C}, {"zwj", 0x200D},
};

static gunichar numeric_entity(const char *name)
{
    const bool hex = name[1] == 'x' || name[1] == 'X';
    const unsigned long c = strtoul(name + (hex ? 2 : 1), NULL, hex ? 16 : 10);
    return c >= ' ' && c <= 0x10FFFF && g_unichar_validate((gunichar)c) ? (gunichar)c : ' ';
}

/* Appends the character that the entity at p stands for; returns the bytes it took, 0 if none. */
static size_t take_entity(struct bytes *out, const char *p, const char *end)
{
    char name[12];
    size_t n = 0;
    for (const char *q = p + 1; q < end && n + 1 < sizeof name && (g_ascii_isalnum(*q) || *q == '#');)
        name[n++] = *q++;
    name[n] = '\0';
    gunichar c = 0;
    if (name[0] == '#' && n > 1)
        c = numeric_entity(name);
    for (size_t i = 0; i < G_N_ELEMENTS(entities) && !c; i++)
        c = strcmp(name, entities[i].name) == 0 ? entities[i].c : 0;
    if (!c)
        return 0;
    char utf8[6];
    bytes_add(out, utf8, (size_t)g_unichar_to_utf8(c, utf8));
    return 1 + n + (p + 1 + n < end && p[1 + n] == ';');
}

/* Tags inside a line of text: they part no words ("Via<b>gra</b>" is one). */
static bool is_inline(const char *name)
{
    static const char *const names[] = {"b", "i", "u", "s", "em", "strong", "font", "span", "big",
                                        "small", "sub", "sup", "tt", "ins", "wbr"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void tag_name(const char *p, const char *end, char name[16])
{
    size_t n = 0;
    if (p < end && *p == '/')
        p++;
    for (; p < end && n < 15 && g_ascii_isalnum(*p); p++)
        name[n++] = g_ascii_tolower(*p);
    name[n] = '\0';
}

/* Where the tag that begins at p ends (its '>'), quotes respected; a lone quote is no quote. */
static const char *tag_end(const char *p, const char *end)
{
    while (p < end && *p != '>') {
        const char *close = NULL;
        if (p[-1] == '=' && (*p == '"' || *p == '\''))
            close = memchr(p + 1, *p, (size_t)MIN(end - p - 1, 4096));
        p = close ? close + 1 : p + 1;
    }
    return p;
}

/* The value of an attribute that begins at p ("href=..."), decoded, as one line. */
static void take_url(struct bytes *urls, const char *p, const char *end)
{
    while (p < end && g_ascii_isspace(*p))
        p++;
    const char quote = p < end && (*p == '"' || *p == '\'') ? *p++ : 0;
    const size_t before = urls->len;
    while (p < end && (quote ? *p != quote : !g_ascii_isspace(*p)) && urls->len - before < 512) {
        const size_t entity = *p == '&' ? take_entity(urls, p, end) : 0;
        if (entity == 0 && (unsigned char)*p > ' ')
            bytes_add(urls, p, 1);
        p += entity ? entity : 1;
    }
    bytes_add(urls, "\n", 1);
}

static void take_attributes(struct bytes *urls, const char *p, const char *end)
{
    static const char *const names[] = {"href", "src", "action", "background"};
    for (; p < end; p++) {
        if (!g_ascii_isspace(p[-1]))
            continue;
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
            const size_t n = strlen(names[i]);
            if ((size_t)(end - p) <= n || g_ascii_strncasecmp(p, names[i], n) != 0)
                continue;
            const char *q = p + n;
            while (q < end && g_ascii_isspace(*q))
                q++;
            if (q < end && *q == '=')
                take_url(urls, q + 1, end);
        }
    }
}

/* Where "</name" begins, or end. */
static const char *closing_tag(const char *p, const char *end, const char *name)
{
    const size_t n = strlen(name);
    while ((p = memmem(p, (size_t)(end - p), "</", 2))) {
        if ((size_t)(end - p) > n + 2 && g_ascii_strncasecmp(p + 2, name, n) == 0)
            return p;
        p += 2;
    }
    return end;
}

/* p is at '<'; returns where the text goes on. */
static const char *take_tag(struct bytes *out, struct bytes *urls, const char *p, const char *end)
{
    if ((size_t)(end - p) >= 4 && memcmp(p, "<!--", 4) == 0) {
        const char *close = memmem(p + 4, (size_t)(end - p - 4), "-->", 3);
        if (close)
            return close + 3;
    }
    if (p + 1 == end || !(g_ascii_isalpha(p[1]) || strchr("/!?", p[1]))) {
        bytes_add(out, p, 1);
        return p + 1;
    }
    char name[16];
    tag_name(p + 1, end, name);
    const char *close = tag_end(p + 1, end);
    take_attributes(urls, p + 1, close);
    if (!is_inline(name) && name[0])
        bytes_add(out, " ", 1);
    if (p[1] != '/' && (strcmp(name, "style") == 0 || strcmp(name, "script") == 0))
        return closing_tag(close, end, name);
    return close < end ? close + 1 : end;
}

void text_from_html(struct bytes *out, struct bytes *urls, const char *html, size_t len)
{
    const char *end = html + len;
    for (const char *p = html; p < end;) {
        if (*p == '<') {
            p = take_tag(out, urls, p, end);
            continue;
        }
        const size_t entity = *p == '&' ? take_entity(out, p, end) : 0;
        if (entity == 0)
            bytes_add(out, p, 1);
        p += entity ? entity : 1;
    }
}
