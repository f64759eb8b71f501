/* Reads an address of MAIL or RCPT strictly (RFC 5321, section 4.1.2, and RFC 6531), and tells what is beyond
 * that. Called by resolve.c and the sessions, for addresses that an MTA did not rewrite yet. */
#include "base/address_form.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/address.h"

/* atext of RFC 5322, section 3.2.3, and all beyond ASCII. */
static bool is_atext(char c)
{
    return g_ascii_isalnum(c) || ((unsigned char)c & 0x80) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Postfix reads these as routing, even inside quotes. */
static bool is_routing(char c)
{
    return c == '%' || c == '!' || c == '@';
}

static bool is_name_char(char c)
{
    return g_ascii_isalnum(c) || ((unsigned char)c & 0x80) || c == '-' || c == '_';
}

/* Returns what follows "@a,@b:"; NULL if the route is malformed. Literals are not taken: Postfix ends a route at
 * its first colon. */
static const char *after_route(const char *p)
{
    while (is_name_char(*p) || *p == '.' || *p == '@' || *p == ',')
        p++;
    return *p == ':' && p[1] != '@' ? p + 1 : NULL;
}

/* The length of a quoted string with its quotes, 0 if it does not end. *plain_r: it has words of plain characters
 * and single blanks between them alone. */
static size_t quoted_len(const char *start, bool *plain_r)
{
    const char *p = start + 1;
    bool plain = *p != '"' && *p != ' ';
    for (; *p && *p != '"'; p++) {
        plain = plain && (is_atext(*p) || *p == '.' || (*p == ' ' && p[1] != ' ' && p[1] != '"')) &&
                !is_routing(*p);
        if (*p == '\\' && !*++p)
            return 0;
    }
    *plain_r = plain;
    return *p ? (size_t)(p + 1 - start) : 0;
}

/* The length of the local part in front of the last '@', or of all. *plain_r: it is a dot-string without
 * routing. */
static size_t unquoted_len(const char *start, bool *plain_r)
{
    const char *at = strrchr(start, '@');
    const size_t len = at ? (size_t)(at - start) : strlen(start);
    bool plain = len && start[0] != '.' && start[len - 1] != '.';
    for (size_t i = 0; i < len; i++) {
        if (!is_atext(start[i]) && start[i] != '.' && start[i] != '@')
            return 0;
        plain = plain && !is_routing(start[i]) && !(start[i] == '.' && start[i + 1] == '.');
    }
    *plain_r = plain;
    return len;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321, section 4.1.3). */
static bool is_literal(const char *p)
{
    unsigned char address[16];
    const size_t len = strlen(p);
    if (len < 2 || p[len - 1] != ']')
        return false;
    g_autofree char *inner = g_strndup(p + 1, len - 2);
    const bool six = !g_ascii_strncasecmp(inner, "IPv6:", 5);
    return inet_pton(six ? AF_INET6 : AF_INET, six ? inner + 5 : inner, address) == 1;
}

/* The domain without the root's dot, or a literal; NULL if it is neither. */
static char *domain_of(const char *p)
{
    size_t len = strlen(p);
    if (*p == '[')
        return is_literal(p) ? g_strdup(p) : NULL;
    if (len > 1 && p[len - 1] == '.')
        len--;
    bool dot = true;
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '.' ? dot : !is_name_char(p[i]))
            return NULL;
        dot = p[i] == '.';
    }
    return dot ? NULL : g_strndup(p, len);
}

enum address_form address_form(const char *address, char **local_r, char **domain_r)
{
    const bool routed = address[0] == '@';
    const char *p = routed ? after_route(address) : address;
    bool plain = false;
    *local_r = *domain_r = NULL;
    if (!p)
        return ADDRESS_FORM_ODD;
    const bool quoted = *p == '"';
    const size_t len = quoted ? quoted_len(p, &plain) : unquoted_len(p, &plain);
    if (!len || (p[len] && p[len] != '@'))
        return ADDRESS_FORM_ODD;
    char *domain = p[len] ? domain_of(p + len + 1) : g_strdup("");
    if (!domain)
        return ADDRESS_FORM_ODD;
    *domain_r = domain;
    *local_r = quoted ? g_strndup(p + 1, len - 2) : g_strndup(p, len);
    return plain && !routed ? ADDRESS_FORM_PLAIN : ADDRESS_FORM_LOOSE;
}

/* ---- said again ---- */

static bool is_dot_string(const char *local)
{
    bool dot = true;
    for (const char *p = local; *p; p++) {
        if (*p == '.' ? dot : !is_atext(*p))
            return false;
        dot = *p == '.';
    }
    return !dot;
}

static void add_local(GString *out, const char *local)
{
    if (is_dot_string(local)) {
        g_string_append(out, local);
        return;
    }
    g_string_append_c(out, '"');
    for (const char *p = local; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
}

static void add_domain(GString *out, const char *domain)
{
    if (*domain == '[' && is_literal(domain)) {
        g_string_append_printf(out, "@%s", domain);
        return;
    }
    const gsize before = out->len;
    g_string_append_c(out, '@');
    for (const char *p = domain; *p; p++)
        if (is_name_char(*p) || (*p == '.' && !strchr("@.", out->str[out->len - 1])))
            g_string_append_c(out, *p);
    while (out->len > before && strchr("@.", out->str[out->len - 1]))
        g_string_truncate(out, out->len - 1);
}

/* A line end folds, as in a header field, and is a blank. */
static char *on_one_line(const char *address)
{
    char *line = g_strdup(address);
    return g_strdelimit(line, "\r\n", ' ');
}

char *address_form_certain(const char *address)
{
    g_autofree char *line = on_one_line(address), *local = NULL, *domain = NULL;
    if (address_form(line, &local, &domain) != ADDRESS_FORM_ODD)
        return g_steal_pointer(&line);
    g_autofree char *text = address_unquoted(line);
    for (size_t len = strlen(text); len && text[len - 1] == '@'; len--)
        text[len - 1] = 0;
    char *at = strrchr(text, '@');
    if (at)
        *at = 0;
    GString *out = g_string_new(NULL);
    add_local(out, text);
    if (at)
        add_domain(out, at + 1);
    return g_string_free(out, FALSE);
}
