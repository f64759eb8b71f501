#include "rules/uri.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/mail/header.h"
#include "base/mail/message_part.h"

enum { HOST_BYTES = 255 };

/* What reads on, through the disguises: entities of HTML and percents, soft line ends. */
struct cursor {
    const char *p, *end;
};

static bool is_host_char(gunichar c)
{
    return c >= 0x80 || g_ascii_isalnum((char)c) || c == '.' || c == '-' || c == '_';
}

/* "&#x2e;", "&#46;", "&#46": the character and how many bytes; 0 if it is none. */
static gunichar read_entity(const char *p, const char *end, size_t *used)
{
    const bool hex = end - p > 3 && (p[2] == 'x' || p[2] == 'X');
    const char *q = p + (hex ? 3 : 2);
    gunichar c = 0;
    int digits = 0;
    if (end - p < 4 || p[1] != '#')
        return 0;
    for (; q < end && digits < 8 && (hex ? g_ascii_isxdigit(*q) : g_ascii_isdigit(*q)); q++, digits++)
        c = MIN(c * (hex ? 16 : 10) + (gunichar)g_ascii_xdigit_value(*q), 0x110000);
    if (digits == 0 || c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *used = (size_t)(q - p) + (q < end && *q == ';');
    return c;
}

static gunichar next_char(struct cursor *c)
{
    size_t used = 1;
    gunichar got = 0;
    if (c->p >= c->end)
        return 0;
    if (*c->p == '&')
        got = read_entity(c->p, c->end, &used);
    if (*c->p == '%' && c->end - c->p > 2 && g_ascii_isxdigit(c->p[1]) && g_ascii_isxdigit(c->p[2])) {
        got = (gunichar)(g_ascii_xdigit_value(c->p[1]) << 4 | g_ascii_xdigit_value(c->p[2]));
        used = 3;
    }
    if (!got && (unsigned char)*c->p >= 0x80) {
        got = g_utf8_get_char_validated(c->p, c->end - c->p);
        if (got == (gunichar)-1 || got == (gunichar)-2)
            return 0;
        used = (size_t)(g_utf8_next_char(c->p) - c->p);
    }
    if (!got)
        got = (unsigned char)*c->p;
    c->p += used;
    return got;
}

/* The host at c, "" if there is none. What stands before an '@' is no host but a user. */
static void read_host(struct cursor *c, GString *host)
{
    g_string_truncate(host, 0);
    while (true) {
        struct cursor before = *c;
        const gunichar got = next_char(c);
        if (got == '@') {
            g_string_truncate(host, 0);
            continue;
        }
        if (!got || !is_host_char(got) || host->len + 4 > HOST_BYTES) {
            *c = before;
            break;
        }
        /* The other dots of IDNA. */
        g_string_append_unichar(host, got == 0x3002 || got == 0xff0e || got == 0xff61 ? '.' : got);
    }
    while (host->len && strchr(".-_", host->str[host->len - 1]))
        g_string_truncate(host, host->len - 1);
}

/* "http://user:password@host": the password has a colon that ends no host. */
static void skip_user(struct cursor *c)
{
    const char *p = c->p;
    while (p < c->end && p - c->p < 200 && !strchr("/?#\\<>\"' \t\r\n", *p))
        p++;
    const char *at = memrchr(c->p, '@', (size_t)(p - c->p));
    if (at)
        c->p = at + 1;
}

/* Behind ":", if what is there is the authority of a URL. */
static bool at_authority(struct cursor *c)
{
    int slashes = 0;
    while (c->p < c->end && slashes < 5) {
        struct cursor before = *c;
        const gunichar got = next_char(c);
        if (got != '/' && got != '\\') {
            *c = before;
            break;
        }
        slashes++;
    }
    return slashes >= 2;
}

static bool begins(const struct cursor *c, const char *start, const char *word)
{
    const size_t len = strlen(word);
    return (size_t)(c->end - c->p) > len && g_ascii_strncasecmp(c->p, word, len) == 0 &&
           (c->p == start || !g_ascii_isalnum(c->p[-1]));
}

/* Nearly no byte does, and every one of a message is asked. */
static bool may_begin(char c)
{
    return c == '@' || c == 'w' || c == 'W' || c == ':' || c == '&' || c == '"' || c == '\'';
}

/* Moves c to where a host may begin at this byte; false if none does. */
static bool at_host(struct cursor *c, const char *start)
{
    struct cursor ahead = *c;
    if (!may_begin(*c->p))
        return false;
    if (*c->p == '@') {
        c->p++;
        return true;
    }
    if (begins(c, start, "www."))
        return true;
    const size_t left = (size_t)(c->end - c->p);
    const bool colon = *c->p == ':' || (left > 5 && (g_ascii_strncasecmp(c->p, "&#58", 4) == 0 ||
                                                     g_ascii_strncasecmp(c->p, "&#x3a", 5) == 0));
    const bool quoted = left > 2 && (*c->p == '"' || *c->p == '\'') && c->p[1] == '/' && c->p[2] == '/';
    if (!colon && !quoted)
        return false;
    next_char(&ahead);
    if (!at_authority(&ahead))
        return false;
    skip_user(&ahead);
    *c = ahead;
    return true;
}

void uri_each(const char *text, size_t len, void (*fn)(const char *host, void *arg), void *arg)
{
    struct cursor c = {text, text + len};
    GString *host = g_string_sized_new(HOST_BYTES + 8); /* never moved: it is wiped */
    const size_t most = limits_get()->uris; /* what comes after is padding */
    size_t hosts = 0;
    while (c.p < c.end && hosts < most) {
        const char *before = c.p;
        if (!at_host(&c, text)) {
            c.p++;
            continue;
        }
        read_host(&c, host);
        if (strchr(host->str, '.')) {
            fn(host->str, arg);
            hosts++;
        }
        if (c.p <= before)
            c.p = before + 1;
    }
    if (hosts == most)
        limits_note(LIMITS_URIS);
    explicit_bzero(host->str, host->allocated_len);
    g_string_free(host, TRUE);
}

struct of {
    void (*fn)(const char *host, void *arg);
    void *arg;
};

static void of_part(const struct message_part *p, void *arg)
{
    const struct of *of = arg;
    if (p->kind != PART_LEAF || !g_str_has_prefix(p->type, "text/") || limits_time_is_up())
        return;
    uri_each((const char *)p->data, p->len, of->fn, of->arg);
}

void uri_each_of(const struct message *m, void (*fn)(const char *host, void *arg), void *arg)
{
    static const char *const fields[] = {"From", "Sender", "Reply-To", "List-Unsubscribe", "Subject"};
    struct of of = {fn, arg};
    for (size_t i = 0; i < m->header_count; i++) {
        const struct header *h = &m->headers[i];
        bool wanted = false;
        for (size_t f = 0; f < G_N_ELEMENTS(fields); f++)
            wanted |= header_is(h, fields[f]);
        char *text = wanted ? header_text(h) : NULL;
        if (text) {
            uri_each(text, strlen(text), fn, arg);
            explicit_bzero(text, strlen(text));
            g_free(text);
        }
    }
    message_each_part(m, of_part, &of);
}
