#include "base/mail/url.h"

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool has_scheme(const char *p, size_t len, const char *scheme)
{
    const size_t n = strlen(scheme);
    return len > n && p[n] == ':' && g_ascii_strncasecmp(p, scheme, n) == 0;
}

/* Where the authority begins; NULL if this is no URL with a host. */
static const char *authority(struct url *u, const char *text, size_t len)
{
    static const char *const schemes[] = {"http", "https", "ftp", "mailto"};
    if (has_scheme(text, len, "data"))
        u->notes |= URL_NOTE_DATA;
    if (has_scheme(text, len, "javascript") || has_scheme(text, len, "vbscript"))
        u->notes |= URL_NOTE_SCRIPT;
    if (len > 4 && g_ascii_strncasecmp(text, "www.", 4) == 0)
        return text;
    if (len > 2 && text[0] == '/' && text[1] == '/')
        return text + 2;
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (!has_scheme(text, len, schemes[i]))
            continue;
        const char *p = text + strlen(schemes[i]) + 1, *end = text + len;
        while (p < end && (*p == '/' || *p == '\\'))
            p++;
        return p;
    }
    return NULL;
}

static void read_host(struct url *u, const char *p, const char *stop)
{
    size_t n = 0;
    for (; p < stop && n + 1 < sizeof u->host; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '%' && stop - p > 2 && g_ascii_isxdigit(p[1]) && g_ascii_isxdigit(p[2])) {
            c = (unsigned char)(g_ascii_xdigit_value(p[1]) << 4 | g_ascii_xdigit_value(p[2]));
            u->notes |= URL_NOTE_PERCENT;
            p += 2;
        }
        if (c <= ' ' || c == 0x7F)
            continue;
        u->notes |= c >= 0x80 ? URL_NOTE_PUNYCODE : 0;
        u->host[n++] = g_ascii_tolower((char)c);
    }
    while (n > 0 && u->host[n - 1] == '.')
        n--;
    u->host[n] = '\0';
    const char *end;
    if (!g_utf8_validate_len(u->host, n, &end)) /* cut, or made of percents */
        u->host[end - u->host] = '\0';
}

/* An address however inet_aton() would read it: 3232235777, 0xC0.0xA8.1.1, 0300.0250.1.1 */
static void read_address(struct url *u)
{
    guint32 address = 0;
    int parts = 0;
    bool plain = true;
    const char *p = u->host;
    if (!g_ascii_isdigit(*p))
        return;
    for (;; p++) {
        char *end;
        const unsigned long value = strtoul(p, &end, 0);
        if (end == p || !g_ascii_isdigit(*p) || parts == 4 || (*end && *end != '.'))
            return;
        plain = plain && value < 256 && !(p[0] == '0' && end > p + 1);
        parts++;
        /* The last one fills what is left of the 32 bits. */
        if (*end)
            address |= (guint32)(value & 0xFF) << (32 - 8 * parts);
        else
            address |= (guint32)value & (parts == 1 ? 0xFFFFFFFF : 0xFFFFFFFF >> (8 * (parts - 1)));
        p = end;
        if (!*end)
            break;
    }
    u->notes |= URL_NOTE_IP | (plain && parts == 4 ? 0 : URL_NOTE_NUMBER);
    g_snprintf(u->host, sizeof u->host, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xFF,
               address >> 8 & 0xFF, address & 0xFF);
}

void url_parse(struct url *u, const char *text, size_t len)
{
    const char *end = text + len;
    u->host[0] = '\0';
    u->notes = 0;
    u->path = end;
    const char *p = authority(u, text, len);
    if (!p)
        return;
    const char *stop = p;
    while (stop < end && *stop != '/' && *stop != '?' && *stop != '#' && *stop != '\\')
        stop++;
    u->path = stop;
    const char *at = memrchr(p, '@', (size_t)(stop - p));
    if (at && g_ascii_tolower(*text) != 'm')
        u->notes |= URL_NOTE_USER;
    p = at ? at + 1 : p;
    const char *colon = memchr(p, ':', (size_t)(stop - p));
    if (colon && colon + 1 < stop)
        u->notes |= URL_NOTE_PORT;
    read_host(u, p, colon ? colon : stop);
    if (strstr(u->host, "xn--"))
        u->notes |= URL_NOTE_PUNYCODE;
    read_address(u);
}
