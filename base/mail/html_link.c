/* The ways in which HTML, SVG and CSS write URLs. Called by html.c. */
#include "base/mail/html_link.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/url.h"

/* Adds a URL, unless it has no host of its own (cid:, or relative) and no note. */
static void add_url(struct html_link *h, const struct url *url)
{
    if (url->host[0] || url->notes)
        links_add(h->links, url, 0, 0);
}

void html_link_url(struct html_link *h, const char *value, size_t len)
{
    struct url url;
    if (len == 0 || !links_room(h->links))
        return;
    links_parse(h->links, &url, value, len, h->has_base ? &h->base : NULL);
    add_url(h, &url);
    const char *at = url.scheme == URL_MAILTO ? memchr(value, '@', len) : NULL;
    if (at) /* mailto: more addresses and a subject may follow */
        links_scan(h->links, at + 1, (size_t)(value + len - at - 1), true);
}

void html_link_base(struct html_link *h, const char *value, size_t len)
{
    if (h->has_base || !links_room(h->links))
        return;
    links_parse(h->links, &h->base, value, len, NULL);
    h->has_base = h->base.scheme != URL_NONE || h->base.host[0];
    add_url(h, &h->base);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void html_link_srcset(struct html_link *h, const char *value, size_t len)
{
    const char *p = value, *end = value + len;
    while (p < end) {
        while (p < end && (is_blank(*p) || *p == ','))
            p++;
        const char *start = p;
        while (p < end && !is_blank(*p))
            p++;
        const char *stop = p;
        while (stop > start && stop[-1] == ',')
            stop--;
        html_link_url(h, start, (size_t)(stop - start));
        if (stop < p)
            continue;
        for (int depth = 0; p < end && (*p != ',' || depth > 0); p++) /* "2x", "100w" */
            depth += *p == '(' ? 1 : *p == ')' && depth > 0 ? -1 : 0;
    }
}

void html_link_list(struct html_link *h, const char *value, size_t len)
{
    const char *p = value, *end = value + len;
    while (p < end) {
        const char *start = p;
        while (p < end && !is_blank(*p) && *p != ';')
            p++;
        html_link_url(h, start, (size_t)(p - start));
        p += p < end;
    }
}

/* Follows the HTML standard, "shared declarative refresh steps". */
void html_link_refresh(struct html_link *h, const char *value, size_t len)
{
    const char *p = value, *end = value + len;
    while (p < end && (is_blank(*p) || g_ascii_isdigit(*p) || *p == '.'))
        p++;
    while (p < end && (is_blank(*p) || *p == ';' || *p == ','))
        p++;
    const char *start = p;
    if (end - p > 3 && g_ascii_strncasecmp(p, "url", 3) == 0) {
        for (p += 3; p < end && is_blank(*p);)
            p++;
        if (p < end && *p == '=') {
            for (p++; p < end && is_blank(*p);)
                p++;
            start = p;
        }
    }
    const char *stop = NULL;
    if (start < end && (*start == '"' || *start == '\'')) {
        stop = memchr(start + 1, *start, (size_t)(end - start - 1));
        start++;
    }
    html_link_url(h, start, (size_t)((stop ? stop : end) - start));
}

/* Reads the escape at p, a backslash (CSS Syntax, section 4.3.7): "\68 ttp", "\:". Returns what follows it. */
static const char *read_escape(struct bytes *out, const char *p, const char *end)
{
    char utf8[6];
    gunichar c = 0;
    int digits = 0;
    for (p++; p < end && digits < 6 && g_ascii_isxdigit(*p); p++, digits++)
        c = c << 4 | (gunichar)g_ascii_xdigit_value(*p);
    if (digits == 0) {
        if (p < end && *p != '\n')
            bytes_add(out, p, 1);
        return p < end ? p + 1 : p;
    }
    c = c && g_unichar_validate(c) ? c : 0xFFFD;
    bytes_add(out, utf8, (size_t)g_unichar_to_utf8(c, utf8));
    return p < end && is_blank(*p) ? p + 1 : p;
}

static void add_escaped(struct html_link *h, const char *p, const char *end)
{
    struct bytes plain = {0};
    while (p < end) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        bytes_add(&plain, p, (size_t)((escape ? escape : end) - p));
        p = escape ? read_escape(&plain, escape, end) : end;
    }
    html_link_url(h, (const char *)plain.data, plain.len);
    bytes_free(&plain);
}

/* Reads the URL at p, quoted, or in url( up to its bracket; returns where it ends. */
static const char *take_css(struct html_link *h, const char *p, const char *end, bool bracket)
{
    while (p < end && is_blank(*p))
        p++;
    const bool quoted = p < end && (*p == '"' || *p == '\'');
    if (!quoted && !bracket)
        return p;
    const char quote = quoted ? *p++ : ')';
    const char *start = p;
    bool escaped = false;
    while (p < end && *p != quote) {
        const bool escape = *p == '\\' && p + 1 < end;
        escaped = escaped || escape;
        p += escape ? 2 : 1;
    }
    if (escaped)
        add_escaped(h, start, p);
    else
        html_link_url(h, start, (size_t)(p - start));
    return p;
}

void html_link_css(struct html_link *h, const char *css, size_t len)
{
    const char *end = css + len;
    for (const char *p = css; p < end;) {
        while (p < end && *p != '(' && *p != '@')
            p++;
        if (p < end && *p == '(' && p - css >= 3 && g_ascii_strncasecmp(p - 3, "url", 3) == 0)
            p = take_css(h, p + 1, end, true);
        else if (end - p > 8 && g_ascii_strncasecmp(p, "@import", 7) == 0)
            p = take_css(h, p + 7, end, false);
        else
            p++;
    }
}
