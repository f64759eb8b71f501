/* Looks for addresses in From as people see them. Called by dmarc_from.c. */
#include "rules/auth/dmarc_shown.h"

#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/rfc2047.h"
#include "rules/auth/dmarc_loose.h"

/* An invisible sign behind which text is shown backwards: an address that is written so is read as one. */
#define RIGHT_TO_LEFT 0x202e
/* The most characters that one decomposes into, and what NFKC makes of it. */
#define DECOMPOSED 18

/* Blanks that are letters or symbols by type, and marks that only choose among shapes; beside format characters. */
static bool is_invisible(gunichar c)
{
    static const gunichar others[][2] = {{0x34f, 0x34f},   {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},
                                         {0x2800, 0x2800}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xffa0, 0xffa0},
                                         {0xe0100, 0xe01ef}};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (c >= others[i][0] && c <= others[i][1])
            return true;
    return g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT;
}

/* Appends what c looks like: '@' and '.' have relatives in full width, letters in many styles. */
static void add_seen(GString *out, gunichar c)
{
    gunichar parts[DECOMPOSED];
    if (g_unichar_isspace(c)) {
        g_string_append_c(out, ' ');
        return;
    }
    if (is_invisible(c))
        return;
    const gsize n = c < 0x80 ? 0 : g_unichar_fully_decompose(c, TRUE, parts, DECOMPOSED);
    bool ascii = n > 0;
    for (gsize i = 0; i < n; i++)
        ascii = ascii && parts[i] < 0x80;
    if (!ascii)
        g_string_append_unichar(out, c);
    for (gsize i = 0; ascii && i < n; i++)
        g_string_append_c(out, (char)parts[i]);
}

static GString *seen_of(const char *text, size_t len)
{
    GString *out = g_string_sized_new(len);
    for (const char *p = text; p < text + len; p = g_utf8_next_char(p))
        add_seen(out, g_utf8_get_char(p));
    return out;
}

/* Which of the marks of the grammar a reader does not show. */
struct plainness {
    bool comments, quotes, blanks; /* blanks: those around dots, and all between angle brackets */
};

/* Appends the character at p, but no blank behind a dot or '@', and drops blanks before these. */
static void add_tight(GString *out, char c, bool *angle)
{
    const char last = out->len ? out->str[out->len - 1] : 0;
    *angle = c == '<' || (*angle && c != '>');
    if (c == ' ' && (*angle || last == '.' || last == '@'))
        return;
    while ((c == '.' || c == '@') && out->len && out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    g_string_append_c(out, c);
}

static GString *without(const GString *text, struct plainness drop)
{
    GString *out = g_string_sized_new(text->len);
    bool quoted = false, angle = false;
    size_t depth = 0;
    for (const char *p = text->str; *p; p++) {
        const bool escaped = *p == '\\' && p[1];
        if (escaped && !drop.quotes && !depth)
            g_string_append_c(out, *p);
        p += escaped;
        if (!escaped && *p == '"' && !depth) {
            quoted = !quoted;
            if (drop.quotes)
                continue;
        } else if (!escaped && !quoted && drop.comments && (*p == '(' || (*p == ')' && depth))) {
            depth += *p == '(' ? 1 : (size_t)-1;
            continue;
        }
        if (!depth && drop.blanks)
            add_tight(out, *p, &angle);
        else if (!depth)
            g_string_append_c(out, *p);
    }
    return out;
}

static size_t ats_in(const char *text, size_t len)
{
    size_t n = 0;
    for (const char *p = text, *end = text + len; (p = memchr(p, '@', (size_t)(end - p))); p++)
        n++;
    return n;
}

static void each_way(const GString *seen, void (*found)(const char *address, void *arg), void *arg)
{
    static const struct plainness ways[] = {
        {false, true, false}, {true, false, false}, {false, true, true}, {true, true, true}};
    dmarc_loose_each(seen->str, seen->len, found, arg);
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        GString *plain = without(seen, ways[i]);
        dmarc_loose_each(plain->str, plain->len, found, arg);
        g_string_free(plain, TRUE);
    }
}

bool dmarc_shown_each(const char *text, size_t len, size_t known, void (*found)(const char *address, void *arg),
                      void *arg)
{
    struct bytes decoded = {0};
    struct limits_met met = {0};
    if (rfc2047_is_plain(text, len) && ats_in(text, len) <= known)
        return true;
    const bool readable = !(rfc2047_decode(&decoded, text, len, &met) & RFC2047_CHARSET) && !met.notes;
    GString *seen = seen_of(decoded.len ? (const char *)decoded.data : "", decoded.len);
    if (ats_in(seen->str, seen->len) > known)
        each_way(seen, found, arg);
    if (decoded.len && g_utf8_strchr((const char *)decoded.data, (gssize)decoded.len, RIGHT_TO_LEFT)) {
        g_autofree char *turned = g_utf8_strreverse(seen->str, (gssize)seen->len);
        dmarc_loose_each(turned, strlen(turned), found, arg);
    }
    g_string_free(seen, TRUE);
    bytes_free(&decoded);
    return readable;
}
