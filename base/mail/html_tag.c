/* The tables of tags and attributes, and the reader of an attribute. Called by html.c. */
#include "base/mail/html_tag.h"

#include <glib.h>
#include <string.h>

#include "base/mail/html_note.h"

/* Sorted by their first letters. */
static const struct html_tag_fact facts[] = {
    {"a", HTML_TAG_INLINE, 0},      {"b", HTML_TAG_INLINE, 0},
    {"base", HTML_TAG_VOID, 0},     {"big", HTML_TAG_INLINE, 0},
    {"br", HTML_TAG_VOID, 0},       {"col", HTML_TAG_VOID, 0},
    {"em", HTML_TAG_INLINE, 0},     {"embed", 0, HTML_NOTE_IFRAME},
    {"font", HTML_TAG_INLINE, 0},   {"form", 0, HTML_NOTE_FORM},
    {"frame", 0, HTML_NOTE_IFRAME}, {"hr", HTML_TAG_VOID, 0},
    {"i", HTML_TAG_INLINE, 0},      {"iframe", 0, HTML_NOTE_IFRAME},
    {"img", HTML_TAG_VOID, HTML_NOTE_IMAGE}, {"input", HTML_TAG_VOID, 0},
    {"ins", HTML_TAG_INLINE, 0},    {"li", HTML_TAG_ALONE, 0},
    {"link", HTML_TAG_VOID, 0},     {"meta", HTML_TAG_VOID, 0},
    {"object", 0, HTML_NOTE_IFRAME}, {"p", HTML_TAG_ALONE, 0},
    {"s", HTML_TAG_INLINE, 0},      {"script", HTML_TAG_SKIP, HTML_NOTE_SCRIPT},
    {"small", HTML_TAG_INLINE, 0},  {"span", HTML_TAG_INLINE, 0},
    {"strong", HTML_TAG_INLINE, 0}, {"style", HTML_TAG_SKIP, 0},
    {"sub", HTML_TAG_INLINE, 0},    {"sup", HTML_TAG_INLINE, 0},
    {"tspan", HTML_TAG_INLINE, 0},  {"tt", HTML_TAG_INLINE, 0},
    {"u", HTML_TAG_INLINE, 0},      {"wbr", HTML_TAG_INLINE | HTML_TAG_VOID, 0},
};

const struct html_tag_fact *html_tag_fact(const char *name)
{
    static const struct html_tag_fact none = {"", 0, 0};
    static unsigned char first['z' + 1]; /* per letter: 1 + the index of its first fact; 0: none */
    if (first['a'] == 0)
        for (size_t i = G_N_ELEMENTS(facts); i-- > 0;)
            first[(unsigned char)facts[i].name[0]] = (unsigned char)(i + 1);
    const unsigned char letter = (unsigned char)*name;
    size_t i = letter < sizeof first ? first[letter] : 0;
    for (; i > 0 && i <= G_N_ELEMENTS(facts) && facts[i - 1].name[0] == *name; i++)
        if (strcmp(facts[i - 1].name, name) == 0)
            return &facts[i - 1];
    return &none;
}

static const struct {
    const char *name;
    size_t len;
    enum html_attribute_kind kind;
} kinds[] = {
    {"href", 4, HTML_ATTRIBUTE_HREF},         {"src", 3, HTML_ATTRIBUTE_SRC},
    {"style", 5, HTML_ATTRIBUTE_STYLE},       {"width", 5, HTML_ATTRIBUTE_WIDTH},
    {"height", 6, HTML_ATTRIBUTE_HEIGHT},     {"alt", 3, HTML_ATTRIBUTE_ALT},
    {"color", 5, HTML_ATTRIBUTE_COLOUR},      {"bgcolor", 7, HTML_ATTRIBUTE_BGCOLOUR},
    {"text", 4, HTML_ATTRIBUTE_COLOUR},       {"background", 10, HTML_ATTRIBUTE_BACKGROUND},
    {"hidden", 6, HTML_ATTRIBUTE_HIDDEN},     {"http-equiv", 10, HTML_ATTRIBUTE_HTTP_EQUIV},
    {"content", 7, HTML_ATTRIBUTE_CONTENT},   {"action", 6, HTML_ATTRIBUTE_ACTION},
    {"formaction", 10, HTML_ATTRIBUTE_URL},   {"srcset", 6, HTML_ATTRIBUTE_SRCSET},
    {"imagesrcset", 11, HTML_ATTRIBUTE_SRCSET}, {"poster", 6, HTML_ATTRIBUTE_URL},
    {"data", 4, HTML_ATTRIBUTE_URL},          {"lowsrc", 6, HTML_ATTRIBUTE_URL},
    {"dynsrc", 6, HTML_ATTRIBUTE_URL},        {"ping", 4, HTML_ATTRIBUTE_URLS},
    {"to", 2, HTML_ATTRIBUTE_URLS},           {"values", 6, HTML_ATTRIBUTE_URLS},
};

enum html_attribute_kind html_attribute_kind(const struct html_attribute *a)
{
    const char first = a->name_len > 0 ? g_ascii_tolower(*a->name) : 0;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (kinds[i].name[0] == first && kinds[i].len == a->name_len &&
            g_ascii_strncasecmp(kinds[i].name, a->name, a->name_len) == 0)
            return kinds[i].kind;
    if (a->name_len > 5 && a->name[a->name_len - 5] == ':' && g_ascii_strncasecmp(a->name + a->name_len - 5, ":href", 5) == 0)
        return HTML_ATTRIBUTE_XML_HREF;
    return HTML_ATTRIBUTE_OTHER;
}

/* The closing quote of the value at p, which begins with a quote; NULL if there is none. */
static const char *closing_quote(const char *p, const char *end, struct html_quotes *quotes)
{
    bool *none = *p == '"' ? &quotes->no_double : &quotes->no_single;
    const char *close = *none ? NULL : memchr(p + 1, *p, (size_t)(end - p - 1));
    *none = !close;
    return close;
}

static const char *read_value(struct html_attribute *a, const char *p, const char *end, struct html_quotes *quotes)
{
    if (p < end && (*p == '"' || *p == '\'')) {
        const char *close = closing_quote(p, end, quotes);
        if (close) {
            a->value = p + 1;
            a->value_len = (size_t)(close - p - 1);
            return close + 1;
        }
        p++;
    }
    a->value = p;
    while (p < end && *p != '>' && !g_ascii_isspace(*p))
        p++;
    a->value_len = (size_t)(p - a->value);
    return p;
}

static bool is_name_end(char c)
{
    return c == '=' || c == '>' || c == '/' || (unsigned char)c <= ' ';
}

const char *html_attribute_read(struct html_attribute *a, const char *p, const char *end, struct html_quotes *quotes)
{
    *a = (struct html_attribute){.name = p, .value = ""};
    while (p < end && !is_name_end(*p))
        p++;
    a->name_len = (size_t)(p - a->name);
    const char *q = p;
    while (q < end && (unsigned char)*q <= ' ')
        q++;
    if (q < end && *q == '=') {
        for (q++; q < end && (unsigned char)*q <= ' ';)
            q++;
        return read_value(a, q, end, quotes);
    }
    if (q > p) /* do not rescan these: there may be a megabyte of blanks */
        return q;
    return p < end && *p != '>' ? p + 1 : p;
}
