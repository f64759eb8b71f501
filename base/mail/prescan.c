/* Scans the MIME structure line by line, before GMime does, and stops where parsing would cost too much. Called
 * by message.c. */
#include "base/mail/prescan.h"

#include <glib.h>
#include <string.h>

#include "base/config/limits.h"

#define ADDRESS_MAX_GROUPS 5000
#define PARAMETER_NAME_MAX 59
#define NESTING_MAX 500
/* All parts together may have so many times the limit for one header: fields, and bytes of addresses. */
#define PARTS_FIELDS 10
#define PARTS_ADDRESSES 4

static const char *const address_headers[] = {
    "from:",        "to:",        "cc:",        "bcc:",        "sender:",       "reply-to:",
    "resent-from:", "resent-to:", "resent-cc:", "resent-bcc:", "resent-sender:"};

struct level {
    const char *boundary; /* not terminated; NULL if there is none */
    size_t len;
};

struct scan {
    const struct limits *limits;
    struct limits_met *met;
    const char *end;
    size_t boundaries, fields, depth;
    size_t address_bytes, groups; /* of all parts together */
    bool in_header, nested; /* nested: this header is followed by that of an inner message */
    struct level levels[NESTING_MAX + 1];
};

/* Returns where the next line begins, or end. */
static const char *next_line(const char *p, const char *end)
{
    const char *eol = memchr(p, '\n', (size_t)(end - p));
    return eol ? eol + 1 : end;
}

/* Returns where the field at p ends, including folded lines. */
static const char *field_end(const char *p, const char *end)
{
    do
        p = next_line(p, end);
    while (p < end && (*p == ' ' || *p == '\t'));
    return p;
}

/* Allows blanks before the colon, as GMime does. */
static bool is_field(const char *p, const char *end, const char *name_and_colon)
{
    size_t len = strlen(name_and_colon) - 1;
    if ((size_t)(end - p) <= len || g_ascii_strncasecmp(p, name_and_colon, len) != 0)
        return false;
    for (p += len; p < end && (*p == ' ' || *p == '\t'); p++)
        ;
    return p < end && *p == ':';
}

/* Limits addresses: GMime makes objects of them a hundred times the size of their text. */
static bool address_ok(struct scan *s, const char *p, const char *end)
{
    s->address_bytes += (size_t)(end - p);
    if ((size_t)(end - p) > s->limits->address_bytes ||
        s->address_bytes > s->limits->address_bytes * PARTS_ADDRESSES)
        return false;
    for (; p < end; p++)
        s->groups += *p == ':';
    return s->groups <= ADDRESS_MAX_GROUPS;
}

/* Limits parameters: GMime makes an object of each. */
static bool parameters_ok(struct scan *s, const char *p, const char *end)
{
    size_t run = 0;
    for (; p < end; p++) {
        s->fields += *p == ';';
        if (*p == '=' && run > PARAMETER_NAME_MAX)
            return false;
        run = strchr("; \t\r\n\"=", *p) ? 0 : run + 1;
    }
    return true;
}

/* The length of the field name at p, 0 if there is none: few lines of a body pass this test. */
static size_t name_length(const char *p, const char *end)
{
    const char *q = p;
    while (q < end && (g_ascii_isalpha(*q) || *q == '-'))
        q++;
    const size_t n = (size_t)(q - p);
    while (q < end && (*q == ' ' || *q == '\t'))
        q++;
    return q < end && *q == ':' ? n : 0;
}

static bool refuse(const struct scan *s, enum limits_note note)
{
    limits_note(s->met, note);
    return false;
}

static const char *find_word(const char *p, const char *end, const char *word)
{
    const size_t n = strlen(word);
    for (; (size_t)(end - p) >= n; p++)
        if (g_ascii_tolower(*p) == word[0] && g_ascii_strncasecmp(p, word, n) == 0)
            return p;
    return NULL;
}

/* The boundary of a Content-Type field, found without parsing its grammar. A boundary that is misread ends no
 * level, which errs on the safe side. */
static struct level boundary_of(const char *p, const char *end)
{
    const char *at = find_word(p, end, "boundary");
    at = at ? memchr(at, '=', (size_t)(end - at)) : NULL;
    if (!at)
        return (struct level){0};
    for (at++; at < end && g_ascii_isspace(*at); at++)
        ;
    const char *stop = at;
    if (at < end && *at == '"') {
        at++;
        stop = memchr(at, '"', (size_t)(end - at));
        stop = stop ? stop : at;
    } else {
        while (stop < end && !g_ascii_isspace(*stop) && *stop != ';')
            stop++;
    }
    return (struct level){at, (size_t)(stop - at)};
}

/* Reads a Content-Type field: a multipart or message goes one level deeper. */
static bool enter(struct scan *s, const char *p, const char *end)
{
    const bool message = find_word(p, end, "message/");
    if (!message && !find_word(p, end, "multipart"))
        return true;
    s->nested = s->nested || message;
    if (s->depth >= MIN(s->limits->nesting, (size_t)NESTING_MAX))
        return refuse(s, LIMITS_NESTING);
    s->levels[s->depth++] = message ? (struct level){0} : boundary_of(p, end);
    return true;
}

/* Reads a line that begins with "--": it may be the boundary of an open level, and ends the levels inside. */
static void leave(struct scan *s, const char *p)
{
    const char *const end = s->end;
    for (size_t i = s->depth; i-- > 0;) {
        const struct level *l = &s->levels[i];
        if (l->len == 0 || (size_t)(end - p) < l->len + 2 || memcmp(p + 2, l->boundary, l->len) != 0)
            continue;
        const char *rest = p + 2 + l->len;
        s->depth = end - rest >= 2 && rest[0] == '-' && rest[1] == '-' ? i : i + 1;
        return;
    }
}

static bool field_ok(struct scan *s, const char *p)
{
    const size_t n = name_length(p, s->end);
    if (n == 0 && !s->in_header)
        return true;
    const char *end = field_end(p, s->end);
    if (s->in_header && (size_t)(end - p) > s->limits->line_bytes)
        return refuse(s, LIMITS_LINE);
    if ((n == strlen("content-type") && is_field(p, end, "content-type:")) ||
        (n == strlen("content-disposition") && is_field(p, end, "content-disposition:"))) {
        if (!parameters_ok(s, p, end))
            return refuse(s, LIMITS_LINE);
        return !s->in_header || n != strlen("content-type") || enter(s, p, end);
    }
    for (size_t i = 0; n > 0 && i < G_N_ELEMENTS(address_headers); i++)
        if (strlen(address_headers[i]) == n + 1 && is_field(p, end, address_headers[i]))
            return address_ok(s, p, end) || refuse(s, LIMITS_ADDRESS);
    return true;
}

static bool line_ok(struct scan *s, const char *p)
{
    const bool dashes = s->end - p >= 2 && p[0] == '-' && p[1] == '-';
    if (dashes) {
        if (++s->boundaries > s->limits->parts)
            return refuse(s, LIMITS_PARTS);
        s->in_header = true;
        leave(s, p);
        return true;
    }
    if (*p == '\n' || (*p == '\r' && s->end - p > 1 && p[1] == '\n')) {
        s->in_header = s->nested;
        s->nested = false;
        return true;
    }
    s->fields += s->in_header;
    if (*p != ' ' && *p != '\t' && !field_ok(s, p))
        return false;
    return s->fields <= s->limits->header_count * PARTS_FIELDS || refuse(s, LIMITS_HEADER_COUNT);
}

/* Checks the message's own Content-* fields; false if GMime may not see them. */
static bool own_header(struct scan *s, const struct header_block *m)
{
    s->in_header = true;
    for (size_t i = 0; i < m->count; i++) {
        const struct header *h = &m->headers[i];
        s->end = h->start + h->len;
        if (header_is_structural(h) && !field_ok(s, h->start))
            return false;
    }
    return true;
}

bool prescan_body(const struct header_block *m, struct limits_met *met, size_t *len_r)
{
    struct scan s = {.limits = limits_get(), .met = met};
    *len_r = 0;
    if (!own_header(&s, m))
        return false;
    *len_r = m->body_len;
    if (s.depth == 0) /* a single leaf: GMime does not parse its body */
        return true;
    s.end = m->body + m->body_len;
    s.in_header = s.nested;
    s.nested = false;
    for (const char *p = m->body; p < s.end; p = next_line(p, s.end)) {
        if (line_ok(&s, p))
            continue;
        *len_r = (size_t)(p - m->body);
        break;
    }
    return true;
}
