/* Looks for "local@domain" in a malformed From, and checks domains. Called by dmarc_from.c. */
#include "rules/auth/dmarc_loose.h"

#include <glib.h>
#include <string.h>

/* More is no local part that anybody can mail to (RFC 5321, section 4.5.3.1.1 says 64). */
#define LOCAL_BYTES 250

/* A longer one in UTF-8 has more than the 253 bytes of A-labels. */
#define DOMAIN_BYTES 1024

/* Letters and a symbol without a glyph: no name is registered with them, but people see one without them. */
static bool has_blank_letters(const char *text)
{
    static const gunichar blank[] = {0x115f, 0x1160, 0x2800, 0x3164, 0xffa0};
    for (size_t i = 0; i < G_N_ELEMENTS(blank); i++)
        if (g_utf8_strchr(text, -1, blank[i]))
            return true;
    return false;
}

bool dmarc_loose_domain(const char *text, size_t len, char domain_r[256])
{
    if (len > DOMAIN_BYTES || !g_utf8_validate(text, (gssize)len, NULL))
        return false;
    g_autofree char *given = g_strndup(text, len);
    g_autofree char *ascii = g_hostname_to_ascii(given);
    size_t n = ascii ? strlen(ascii) : 0;
    bool fine = n && !g_hostname_is_ip_address(ascii) && (g_str_is_ascii(given) || !has_blank_letters(given));
    if (fine && ascii[n - 1] == '.')
        ascii[--n] = 0;
    fine = fine && n && n < 254 && ascii[0] != '.' && ascii[n - 1] != '.' && !strstr(ascii, "..");
    for (size_t i = 0; i < n; i++) {
        ascii[i] = g_ascii_tolower(ascii[i]);
        fine = fine && (g_ascii_isalnum(ascii[i]) || strchr("-_.", ascii[i]));
    }
    if (fine)
        g_strlcpy(domain_r, ascii, 256);
    return fine;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_ascii_of_domain(char c)
{
    return g_ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
}

/* The domain that begins at p: with all bytes that an IDN may have, or else without those that are not ASCII. */
static bool domain_at(const char *p, const char *end, char domain_r[256])
{
    while (p < end && (is_blank(*p) || *p == '.'))
        p++;
    const char *wide = p, *narrow = p;
    while (wide < end && (is_ascii_of_domain(*wide) || (unsigned char)*wide >= 0x80))
        wide++;
    while (narrow < end && is_ascii_of_domain(*narrow))
        narrow++;
    while (wide > p && wide[-1] == '.')
        wide--;
    while (narrow > p && narrow[-1] == '.')
        narrow--;
    return dmarc_loose_domain(p, (size_t)(wide - p), domain_r) ||
           dmarc_loose_domain(p, (size_t)(narrow - p), domain_r);
}

static bool is_of_local(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && !strchr("<>()[],;:\"\\@", c);
}

/* The local part that ends before at. */
static const char *local_before(const char *text, const char *at, const char **end_r)
{
    while (at > text && (is_blank(at[-1]) || at[-1] == '"'))
        at--;
    *end_r = at;
    while (at > text && is_of_local(at[-1]) && *end_r - at < LOCAL_BYTES)
        at--;
    return at;
}

void dmarc_loose_each(const char *text, size_t len, void (*found)(const char *address, void *arg), void *arg)
{
    if (!len)
        return;
    const char *end = text + len, *past = text, *at = text;
    for (; (at = memchr(at, '@', (size_t)(end - at))); past = ++at) {
        char domain[256];
        const char *local_end, *local = local_before(past, at, &local_end);
        if (!domain_at(at + 1, end, domain))
            continue;
        g_autofree char *address = g_strdup_printf("%.*s@%s", (int)(local_end - local), local, domain);
        found(address, arg);
    }
}
