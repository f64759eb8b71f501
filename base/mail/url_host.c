/* The host parser of the URL standard (https://url.spec.whatwg.org/#host-parsing). Called by url.c and links.c. */
#include "base/mail/url_host.h"

#include <glib.h>
#include <idn2.h>
#include <stdbool.h>
#include <string.h>

#include "base/mail/url_note.h"

enum {
    WRITTEN_BYTES = 1024, /* of a host as written; a longer one maps to no valid DNS name */
    NAME_BYTES = 253,
};

/* The usual case: lowers a letter, digit, '.', '-' or '_'; 0 for any other character. */
static char plain_of(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_')
        return c;
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : 0;
}

/* Characters that UTS 46 drops: a name padded with them must not become too long for us. */
static bool is_ignored(gunichar c)
{
    return c == 0xAD || c == 0x34F || (c >= 0x180B && c <= 0x180F && c != 0x180E) || c == 0x200B ||
           c == 0x2060 || c == 0x2064 || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF ||
           (c >= 0x1BCA0 && c <= 0x1BCA3) || (c >= 0xE0100 && c <= 0xE01EF);
}

/* Percent-decodes the host and drops ignored characters; returns its length, 0 if it is too long or not UTF-8. */
static size_t decode(char out[WRITTEN_BYTES], const char *p, size_t len, int *notes)
{
    const char *end = p + len;
    size_t n = 0;
    for (; p < end; p++) {
        char c = *p;
        if (c == '%' && end - p > 2 && g_ascii_isxdigit(p[1]) && g_ascii_isxdigit(p[2])) {
            c = (char)(g_ascii_xdigit_value(p[1]) << 4 | g_ascii_xdigit_value(p[2]));
            *notes |= URL_NOTE_PERCENT;
            p += 2;
        }
        if (n + 1 >= WRITTEN_BYTES || !c)
            return 0;
        out[n++] = c;
        size_t start = n - 1;
        while (start > 0 && n - start < 4 && ((unsigned char)out[start] & 0xC0) == 0x80)
            start--;
        const gunichar whole = (unsigned char)out[start] >= 0x80
                                   ? g_utf8_get_char_validated(out + start, (gssize)(n - start))
                                   : 0;
        if (whole && whole < 0x110000 && is_ignored(whole))
            n = start;
    }
    out[n] = '\0';
    return g_utf8_validate_len(out, n, NULL) ? n : 0;
}

/* Converts to the name in DNS. Browsers use UTS 46 without its transitional rules, as libidn2 does here.
 * libidn2 rejects some names that browsers open: for those GLib is asked, which has the older IDNA 2003. */
static bool to_ascii(char out[URL_HOST_BYTES], const char *name)
{
    char *ascii = NULL;
    const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
    bool ok = idn2_to_ascii_8z(name, &ascii, flags) == IDN2_OK;
    ok = ok && g_strlcpy(out, ascii, URL_HOST_BYTES) < URL_HOST_BYTES;
    idn2_free(ascii);
    if (!ok) {
        g_autofree char *older = g_hostname_to_ascii(name);
        ok = older && g_strlcpy(out, older, URL_HOST_BYTES) < URL_HOST_BYTES;
    }
    return ok;
}

static bool is_forbidden(char c)
{
    return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7F || strchr("#/:<>?@[\\]^|%", c);
}

/* Browsers open no host with a forbidden character, but lenient mail clients open a piece of it
 * ("bank.example%40host", "host%3E"): keeps the last piece that is a name, "" if there is none. */
static void keep_name(char host[URL_HOST_BYTES])
{
    size_t end = strlen(host), start = end;
    while (end > 0) {
        while (end > 0 && is_forbidden(host[end - 1]))
            end--;
        for (start = end; start > 0 && !is_forbidden(host[start - 1]);)
            start--;
        if (memchr(host + start, '.', end - start))
            break;
        end = start;
    }
    memmove(host, host + start, end - start);
    host[end - start] = '\0';
}

/* Reads one number of an IPv4 address at p: decimal, 0octal or 0xhex. False if it is none. */
static bool read_number(const char *p, const char **end_r, guint64 *value_r)
{
    int base = 10;
    if (p[0] == '0' && (p[1] == 'x' || g_ascii_isdigit(p[1]))) {
        base = p[1] == 'x' ? 16 : 8;
        p += p[1] == 'x' ? 2 : 1;
    }
    guint64 value = 0;
    for (; *p && *p != '.'; p++) {
        const int digit = g_ascii_xdigit_value(*p);
        if (digit < 0 || digit >= base)
            return false;
        value = MIN(value * (guint64)base + (guint64)digit, (guint64)1 << 40);
    }
    *end_r = p;
    *value_r = value;
    return true;
}

/* The URL standard's "ends in a number" check: if the last label is a number, the host is an IPv4 address. */
static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.'), *last = dot ? dot + 1 : host, *end;
    guint64 value;
    return *last && (strspn(last, "0123456789") == strlen(last) ||
                     (last[0] == '0' && last[1] == 'x' && read_number(last, &end, &value)));
}

/* Reads one to four numbers as an IPv4 address; the last one fills the bits that are left of 32. */
static bool read_numbers(const char *p, guint64 *address_r)
{
    guint64 value;
    *address_r = 0;
    for (int parts = 0; parts < 4; parts++, p++) {
        if (!*p || *p == '.' || !read_number(p, &p, &value))
            return false;
        if (!*p) {
            *address_r |= value;
            return value < (guint64)1 << (32 - 8 * parts);
        }
        if (value > 255)
            return false;
        *address_r |= value << (24 - 8 * parts);
    }
    return false;
}

/* Rewrites an IPv4 address in any form (3232235777, 0xC0.0xA8.1.1, 0300.0250.1.1) in dotted decimal; "" if
 * browsers reject it. */
static int read_address(char host[URL_HOST_BYTES])
{
    guint64 address;
    char plain[16] = "";
    if (read_numbers(host, &address)) {
        const unsigned a = (unsigned)address;
        g_snprintf(plain, sizeof plain, "%u.%u.%u.%u", a >> 24, a >> 16 & 0xFF, a >> 8 & 0xFF,
                   a & 0xFF);
    }
    const bool same = strcmp(plain, host) == 0;
    memcpy(host, plain, sizeof plain);
    return !*plain ? 0 : same ? URL_NOTE_IP : URL_NOTE_IP | URL_NOTE_NUMBER;
}

/* Copies an IPv6 address "[2001:db8::1]" as written. */
static int read_brackets(char out[URL_HOST_BYTES], const char *p, size_t len)
{
    size_t n = 0;
    for (; n < len && n < 50 && (g_ascii_isxdigit(p[n]) || strchr("[]:.", p[n])); n++)
        out[n] = g_ascii_tolower(p[n]);
    out[n == len && p[len - 1] == ']' ? n : 0] = '\0';
    return out[0] ? URL_NOTE_IP : 0;
}

/* The slow path, for hosts with other characters than those of DNS names. */
static bool map(char out[URL_HOST_BYTES], const char *p, size_t len, int *notes)
{
    char written[WRITTEN_BYTES];
    const size_t n = decode(written, p, len, notes);
    bool ascii = true;
    for (size_t i = 0; i < n; i++)
        ascii = ascii && (unsigned char)written[i] < 0x80;
    *notes |= ascii ? 0 : URL_NOTE_PUNYCODE;
    bool ok = n > 0;
    if (ok && ascii)
        ok = g_strlcpy(out, written, URL_HOST_BYTES) < URL_HOST_BYTES;
    else if (ok)
        ok = to_ascii(out, written);
    explicit_bzero(written, sizeof written);
    bool clean = true;
    for (const char *c = out; ok && *c && clean; c++)
        clean = !is_forbidden(*c);
    if (ok && !clean)
        keep_name(out);
    return ok;
}

int url_host_read(char out[URL_HOST_BYTES], const char *p, size_t len)
{
    int notes = 0;
    size_t n = 0;
    out[0] = '\0';
    if (len > 0 && *p == '[')
        return read_brackets(out, p, len);
    for (; n < len && n < URL_HOST_BYTES - 1 && (out[n] = plain_of(p[n])); n++)
        ;
    out[n] = '\0';
    if (n < len) {
        if (!map(out, p, len, &notes))
            out[0] = '\0';
        for (n = 0; out[n]; n++)
            out[n] = g_ascii_tolower(out[n]);
    }
    while (n > 0 && out[n - 1] == '.')
        n--;
    out[n > NAME_BYTES ? 0 : n] = '\0';
    if (strstr(out, "xn--"))
        notes |= URL_NOTE_PUNYCODE;
    return ends_in_number(out) ? notes | read_address(out) : notes;
}
