#include "base/mail/html_entity.h"

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Of U+00A0 and on. */
static const char *const latin1[96] = {
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf",
    "laquo", "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro",
    "para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest",
    "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute",
    "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute",
    "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute",
    "THORN", "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil",
    "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde",
    "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave", "uacute",
    "ucirc", "uuml", "yacute", "thorn", "yuml",
};

static const struct {
    const char *name;
    gunichar c;
} others[] = {
    {"amp", '&'},        {"lt", '<'},         {"gt", '>'},         {"quot", '"'},
    {"apos", '\''},      {"euro", 0x20AC},    {"rsquo", 0x2019},   {"lsquo", 0x2018},
    {"rdquo", 0x201D},   {"ldquo", 0x201C},   {"sbquo", 0x201A},   {"bdquo", 0x201E},
    {"ndash", 0x2013},   {"mdash", 0x2014},   {"hellip", 0x2026},  {"bull", 0x2022},
    {"trade", 0x2122},   {"zwnj", 0x200C},    {"zwj", 0x200D},     {"lrm", 0x200E},
    {"rlm", 0x200F},     {"ensp", 0x2002},    {"emsp", 0x2003},    {"thinsp", 0x2009},
    {"ZeroWidthSpace", 0x200B},
};

static gunichar named(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (strcmp(name, others[i].name) == 0)
            return others[i].c;
    for (size_t i = 0; i < G_N_ELEMENTS(latin1); i++)
        if (strcmp(name, latin1[i]) == 0)
            return (gunichar)(0xA0 + i);
    return 0;
}

static gunichar numeric(const char *name)
{
    const bool hex = name[1] == 'x' || name[1] == 'X';
    const unsigned long c = strtoul(name + (hex ? 2 : 1), NULL, hex ? 16 : 10);
    return c >= ' ' && c <= 0x10FFFF && g_unichar_validate((gunichar)c) ? (gunichar)c : ' ';
}

size_t html_entity_read(const char *p, const char *end, char *out, size_t *len_r)
{
    char name[16];
    size_t n = 0;
    for (const char *q = p + 1; q < end && n + 1 < sizeof name && (g_ascii_isalnum(*q) || *q == '#');)
        name[n++] = *q++;
    name[n] = '\0';
    const gunichar c = name[0] == '#' && n > 1 ? numeric(name) : named(name);
    if (!c)
        return 0;
    *len_r = (size_t)g_unichar_to_utf8(c == 0xA0 ? ' ' : c, out);
    return 1 + n + (p + 1 + n < end && p[1 + n] == ';');
}
