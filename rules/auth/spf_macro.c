/* Parses and expands SPF macros. Called by spf_record.c for the grammar and by spf_terms.c to expand. */
#include "rules/auth/spf_macro.h"

#include <arpa/inet.h>
#include <string.h>

struct macro {
    char letter;     /* lower case; or one of % _ - */
    bool escape;     /* the letter was upper case: URL-escape the value */
    bool reverse;
    guint keep;      /* how many parts on the right to keep; 0: all */
    char delims[10];
};

static const char delimiters[] = ".-+,/_=";

/* Reads the transformers and delimiters between the letter and "}". */
static const char *read_transformers(const char *p, const char *end, struct macro *m)
{
    bool digits = p < end && g_ascii_isdigit(*p);
    for (; p < end && g_ascii_isdigit(*p); p++)
        m->keep = MIN(m->keep * 10 + (guint)(*p - '0'), 1000);
    if (digits && !m->keep)
        return NULL;
    if (p < end && g_ascii_tolower(*p) == 'r') {
        m->reverse = true;
        p++;
    }
    for (; p < end && *p && strchr(delimiters, *p); p++)
        if (!strchr(m->delims, *p))
            m->delims[strlen(m->delims)] = *p;
    return p;
}

/* Reads one macro-expand. Returns the position after it, NULL if it is malformed. */
static const char *read_macro(const char *p, const char *end, struct macro *m)
{
    *m = (struct macro){0};
    if (end - p < 2)
        return NULL;
    m->letter = p[1];
    if (memchr("%_-", p[1], 3))
        return p + 2;
    if (p[1] != '{' || end - p < 4)
        return NULL;
    m->letter = g_ascii_tolower(p[2]);
    m->escape = m->letter != p[2];
    if (!g_ascii_isalpha(m->letter))
        return NULL;
    p = read_transformers(p + 3, end, m);
    return p && p < end && *p == '}' ? p + 1 : NULL;
}

/* Checks a whole macro-string. *literal_r: where the literals at its end begin. */
static bool walk(const char *text, size_t len, const char *letters, const char **literal_r)
{
    const char *p = text, *end = text + len;
    *literal_r = text;
    while (p < end) {
        struct macro m;
        if (*p < 0x21 || *p > 0x7e)
            return false;
        if (*p != '%') {
            p++;
            continue;
        }
        p = read_macro(p, end, &m);
        if (!p || !strchr(letters, m.letter))
            return false;
        *literal_r = p;
    }
    return true;
}

bool spf_macro_is_string(const char *text, size_t len)
{
    const char *literal;
    return walk(text, len, "%_-slodiphcrtv", &literal);
}

static bool is_toplabel(const char *text, size_t len)
{
    bool dash = false, alpha = false;
    for (size_t i = 0; i < len; i++) {
        dash |= text[i] == '-';
        alpha |= g_ascii_isalpha(text[i]);
        if (text[i] != '-' && !g_ascii_isalnum(text[i]))
            return false;
    }
    return len && text[0] != '-' && text[len - 1] != '-' && (dash || alpha);
}

bool spf_macro_is_domain(const char *text, size_t len)
{
    const char *literal, *end = text + len;
    if (!len || !walk(text, len, "%_-slodiphv", &literal))
        return false;
    if (literal == end)
        return true;
    if (end[-1] == '.')
        end--;
    const char *dot = literal < end ? memrchr(literal, '.', (size_t)(end - literal)) : NULL;
    return dot && is_toplabel(dot + 1, (size_t)(end - dot - 1));
}

bool spf_macro_wants_name(const char *spec)
{
    struct macro m;
    for (const char *p = spec, *end = spec + strlen(spec); p && p < end;)
        if (*p != '%')
            p++;
        else if ((p = read_macro(p, end, &m)) && m.letter == 'p')
            return true;
    return false;
}

/* The value of %{i} (RFC 7208 section 7.3): an IPv6 address as nibbles with dots between. */
static char *address_text(const struct spf_macro_values *v)
{
    char text[INET_ADDRSTRLEN];
    if (!v->v6)
        return g_strdup(inet_ntop(AF_INET, v->address, text, sizeof text));
    GString *out = g_string_new(NULL);
    for (int i = 0; i < 16; i++)
        g_string_append_printf(out, "%s%x.%x", i ? "." : "", v->address[i] >> 4,
                               v->address[i] & 15);
    return g_string_free(out, FALSE);
}

static char *value_of(char letter, const struct spf_macro_values *v)
{
    switch (letter) {
    case 's': return g_strdup(v->sender);
    case 'l': return g_strdup(v->local);
    case 'o': return g_strdup(v->sender_domain);
    case 'd': return g_strdup(v->domain);
    case 'h': return g_strdup(v->helo);
    case 'i': return address_text(v);
    case 'v': return g_strdup(v->v6 ? "ip6" : "in-addr");
    case 'p': return g_strdup(v->validated_name(v->domain, v->arg));
    default: return g_strdup("");
    }
}

static char *transform(char *value, const struct macro *m)
{
    if (!m->keep && !m->reverse && !m->delims[0])
        return value;
    char **parts = g_strsplit_set(value, m->delims[0] ? m->delims : ".", -1);
    guint n = g_strv_length(parts), keep = m->keep ? MIN(m->keep, n) : n;
    GString *out = g_string_new(NULL);
    for (guint i = n - keep; i < n; i++)
        g_string_append_printf(out, "%s%s", i > n - keep ? "." : "",
                               parts[m->reverse ? n - 1 - i : i]);
    g_strfreev(parts);
    g_free(value);
    return g_string_free(out, FALSE);
}

static void append(GString *out, const struct macro *m, const struct spf_macro_values *v)
{
    if (m->letter == '%' || m->letter == '_') {
        g_string_append_c(out, m->letter == '%' ? '%' : ' ');
    } else if (m->letter == '-') {
        g_string_append(out, "%20");
    } else {
        g_autofree char *value = transform(value_of(m->letter, v), m);
        if (m->escape)
            g_string_append_uri_escaped(out, value, NULL, FALSE);
        else
            g_string_append(out, value);
    }
}

char *spf_macro_expand(const char *spec, const struct spf_macro_values *v)
{
    GString *out = g_string_new(NULL);
    for (const char *p = spec, *end = spec + strlen(spec), *next; p < end; p = next) {
        struct macro m;
        if (*p == '%' && (next = read_macro(p, end, &m))) {
            append(out, &m, v);
        } else {
            g_string_append_c(out, *p);
            next = p + 1;
        }
    }
    if (out->len && out->str[out->len - 1] == '.')
        g_string_truncate(out, out->len - 1);
    const char *dot, *name = out->str;
    while (strlen(name) > SPF_MACRO_NAME_MAX && (dot = strchr(name, '.')))
        name = dot + 1;
    char *result = g_strdup(name);
    g_string_free(out, TRUE);
    return result;
}
