/* Character references (HTML standard, section 13.2.5.72 and on): tries the most common names first, then looks
 * in the full table. Called by html.c at each '&'. */
#include "base/mail/html_entity.h"

#include <glib.h>
#include <string.h>

#include "base/mail/html_entity_names.h"

enum {
    NAME_MOST = 31, /* the longest name in the table */
    BARE_MOST = 6,  /* the longest and shortest that need no semicolon */
    BARE_LEAST = 2,
};

/* Index of the table: the offset of each name, and the first name of each letter. Made when the process meets
 * its first rare name. */
static struct {
    bool made;
    guint16 offset[HTML_ENTITY_NAMES];
    guint16 first['z' + 2];
} names;

static void index_names(void)
{
    guint16 n = 0;
    int letter = 0;
    for (const char *p = html_entity_names; *p; p = strchr(p, ' ') + 1) {
        while (letter <= *p)
            names.first[letter++] = n;
        names.offset[n++] = (guint16)(p - html_entity_names);
    }
    while (letter < (int)G_N_ELEMENTS(names.first))
        names.first[letter++] = n;
    names.made = true;
}

/* Compares a name with a table entry; the sign of the result as strcmp. */
static int compare(const char *name, size_t len, const char *entry)
{
    for (size_t i = 0; i < len; i++)
        if (name[i] != entry[i])
            return (entry[i] == '=' || entry[i] == ':') ? 1 : name[i] - entry[i];
    return entry[len] == '=' || entry[len] == ':' ? 0 : -1;
}

/* Finds a name; returns its entry from '=' or ':' on, NULL if there is none. */
static const char *find(const char *name, size_t len)
{
    if (!names.made)
        index_names();
    size_t low = names.first[(unsigned char)*name], high = names.first[(unsigned char)*name + 1];
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const char *entry = html_entity_names + names.offset[middle];
        const int order = compare(name, len, entry);
        if (order == 0)
            return entry + len;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Writes the one or two characters of an entry as UTF-8; returns their size. */
static size_t write_entry(const char *entry, char *out)
{
    size_t n = 0;
    do {
        gunichar c = 0;
        for (entry++; g_ascii_isxdigit(*entry); entry++)
            c = c << 4 | (gunichar)g_ascii_xdigit_value(*entry);
        n += (size_t)g_unichar_to_utf8(c, out + n);
    } while (*entry == '+');
    return n;
}

/* Reads the longest name at p that is valid without a semicolon. */
static size_t read_bare(const char *p, size_t len, char *out, size_t *len_r)
{
    for (size_t n = MIN(len, (size_t)BARE_MOST); n >= BARE_LEAST; n--) {
        const char *entry = find(p, n);
        if (!entry || *entry != ':')
            continue;
        *len_r = write_entry(entry, out);
        return n;
    }
    return 0;
}

static size_t read_named(const char *p, const char *end, bool attribute, char *out, size_t *len_r)
{
    size_t len = 0;
    const char *name = p + 1;
    while (name + len < end && g_ascii_isalnum(name[len]) && len <= NAME_MOST)
        len++;
    if (len < BARE_LEAST || !g_ascii_isalpha(*name))
        return 0;
    if (name + len < end && name[len] == ';') {
        const char *entry = find(name, len);
        if (entry) {
            *len_r = write_entry(entry, out);
            return len + 2;
        }
    }
    const size_t bare = read_bare(name, len, out, len_r);
    if (bare == 0 || (attribute && (bare < len || (name + len < end && name[len] == '='))))
        return 0;
    return bare + 1;
}

/* Browsers read the numbers 0x80 to 0x9F as windows-1252 (HTML standard, section 13.2.5.80). */
static const guint16 windows1252[32] = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

static size_t read_number(const char *p, const char *end, char *out, size_t *len_r)
{
    const char *q = p + 2;
    const bool hex = q < end && (*q == 'x' || *q == 'X');
    const char *digits = q += hex;
    gunichar c = 0;
    for (; q < end && (hex ? g_ascii_isxdigit(*q) : g_ascii_isdigit(*q)); q++)
        c = MIN(c * (hex ? 16 : 10) + (gunichar)g_ascii_xdigit_value(*q), 0x110000);
    if (q == digits)
        return 0;
    if (c >= 0x80 && c < 0xA0)
        c = windows1252[c - 0x80];
    if (c == 0 || !g_unichar_validate(c))
        c = 0xFFFD;
    *len_r = (size_t)g_unichar_to_utf8(c, out);
    return (size_t)(q - p) + (q < end && *q == ';');
}

/* The names that make up nine of ten references in real mail: no table look-up. */
static size_t read_common(const char *p, const char *end, char *out, size_t *len_r)
{
    static const struct {
        const char *name, *text;
        size_t len;
    } common[] = {{"&nbsp;", "\xC2\xA0", 6},
                  {"&amp;", "&", 5},
                  {"&lt;", "<", 4},
                  {"&gt;", ">", 4},
                  {"&quot;", "\"", 6}};
    for (size_t i = 0; i < G_N_ELEMENTS(common); i++) {
        if (p[1] != common[i].name[1] || (size_t)(end - p) < common[i].len ||
            memcmp(p, common[i].name, common[i].len) != 0)
            continue;
        *len_r = strlen(common[i].text);
        memcpy(out, common[i].text, *len_r);
        return common[i].len;
    }
    return 0;
}

size_t html_entity_read(const char *p, const char *end, bool attribute, char *out, size_t *len_r)
{
    if (end - p < 3)
        return 0;
    if (p[1] == '#')
        return read_number(p, end, out, len_r);
    const size_t common = read_common(p, end, out, len_r);
    return common ? common : read_named(p, end, attribute, out, len_r);
}
