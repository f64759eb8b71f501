/* Links in plain text, and the list to which html_link.c adds those of HTML. Called by reading.c and the
 * tokenizer. */
#include "base/mail/links.h"

#include <glib.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/mail/url_host.h"
#include "base/mail/url_note.h"

enum { SCHEME_BYTES = 16 };

struct scan {
    struct links *links;
    const char *text, *end;
    bool addresses, full;
};

void links_free(struct links *l)
{
    bytes_free(&l->list);
    bytes_free(&l->hosts);
    l->count = l->last = l->mapped = 0;
}

const struct link *links_get(const struct links *l, size_t i)
{
    return (const struct link *)(const void *)l->list.data + i;
}

const char *links_host(const struct links *l, const struct link *link)
{
    return (const char *)l->hosts.data + link->host;
}

bool links_room(const struct links *l)
{
    return l->count < limits_get()->uris && l->mapped < limits_get()->uris;
}

static void count_mapped(struct links *l, int notes)
{
    l->mapped += (notes & URL_NOTE_PUNYCODE) != 0;
    if (l->mapped == limits_get()->uris)
        limits_note(l->met, LIMITS_URIS);
}

void links_parse(struct links *l, struct url *url, const char *text, size_t len,
                 const struct url *base)
{
    url_parse(url, text, len, base);
    count_mapped(l, url->notes);
}

bool links_add(struct links *l, const struct url *url, size_t at, size_t len)
{
    if (l->count >= limits_get()->uris)
        return false;
    if (l->hosts.len == 0 || strcmp((const char *)l->hosts.data + l->last, url->host) != 0) {
        l->last = l->hosts.len;
        bytes_add(&l->hosts, url->host, strlen(url->host) + 1);
    }
    const struct link link = {(uint32_t)at, (uint32_t)len, (uint32_t)l->last, url->notes};
    bytes_add(&l->list, &link, sizeof link);
    if (++l->count == limits_get()->uris)
        limits_note(l->met, LIMITS_URIS);
    return true;
}

/* True for non-ASCII blanks, quotes and brackets, which end a link. */
static bool ends_link(gunichar c)
{
    return g_unichar_isspace(c) || c == 0xAB || c == 0xBB || (c >= 0x2018 && c <= 0x201F) ||
           c == 0x3001 || (c >= 0x3008 && c <= 0x3011) || c == 0xFF08 || c == 0xFF09 || c == 0xFF0C;
}

static const char *link_end(const char *p, const char *end)
{
    static const bool ends[128] = {
        ['"'] = true, ['<'] = true, ['>'] = true, ['('] = true, [')'] = true,
        ['['] = true, [']'] = true, ['{'] = true, ['}'] = true};
    while (p < end && (unsigned char)*p > ' ') {
        const unsigned char c = (unsigned char)*p;
        if (c < 0x80 ? ends[c] : ends_link(g_utf8_get_char(p)))
            break;
        p = c < 0x80 ? p + 1 : g_utf8_next_char(p);
    }
    return p;
}

/* Excludes punctuation that ends a sentence from the link before it. */
static const char *without_signs(const char *p, const char *end)
{
    while (end > p && strchr(".,;:!?'*_~`|", end[-1]))
        end--;
    return end;
}

/* Mail clients differ in whether non-ASCII letters that follow a host without a blank belong to it: adds the
 * host without them, too. */
static void add_short(struct scan *s, const char *p, const char *end, const struct url *whole)
{
    const char *high = p;
    struct url url;
    while (high < end && (unsigned char)*high < 0x80)
        high++;
    links_parse(s->links, &url, p, (size_t)(high - p), NULL);
    if (strchr(url.host, '.') && strcmp(url.host, whole->host) != 0)
        s->full = !links_add(s->links, &url, (size_t)(p - s->text), 0);
}

/* Adds the domain of the mail address whose '@' is at p; returns where to go on. */
static const char *at_address(struct scan *s, const char *p)
{
    const char *host = p + 1, *stop = host;
    struct url url;
    if (!s->addresses)
        return host;
    while (stop < s->end && stop - host < URL_HOST_BYTES &&
           ((unsigned char)*stop >= 0x80 || g_ascii_isalnum(*stop) || strchr(".-_", *stop)) &&
           *stop)
        stop++;
    while (stop > host && strchr(".-_", stop[-1]))
        stop--;
    if (!memchr(host, '.', (size_t)(stop - host)))
        return host;
    count_mapped(s->links, url_host_read(url.host, host, (size_t)(stop - host)));
    url.notes = 0;
    if (strchr(url.host, '.'))
        s->full = !links_add(s->links, &url, (size_t)(p - s->text), 0);
    return stop;
}

/* Adds the link at p; returns where it ends. */
static const char *take_link(struct scan *s, const char *p)
{
    struct url url;
    const char *end = link_end(p, s->end);
    const char *stop = without_signs(p, end);
    links_parse(s->links, &url, p, (size_t)(stop - p), NULL);
    s->full = !links_add(s->links, &url, (size_t)(p - s->text), (size_t)(end - p));
    if (url.notes & URL_NOTE_PUNYCODE && !s->full)
        add_short(s, p, stop, &url);
    const char *at = url.scheme == URL_MAILTO ? memchr(p, '@', (size_t)(end - p)) : NULL;
    while (at && (at = memchr(at + 1, '@', (size_t)(end - at - 1))) && !s->full)
        at_address(s, at);
    return end;
}

/* After an unknown scheme: does a host name with a dot follow at p? */
static bool names_host(const char *p, const char *end)
{
    const char *stop = p;
    while (stop < end && (unsigned char)*stop > ' ' && !strchr("/?#\\\"<>()[]{}", *stop))
        stop++;
    return memchr(p, '.', (size_t)(stop - p)) != NULL;
}

static bool is_scheme_char(char c)
{
    return g_ascii_isalnum(c) || c == '+' || c == '-' || c == '.';
}

/* Schemes that mail clients open even without slashes. */
static bool is_known(const char *p, size_t len)
{
    static const char *const names[] = {"http", "https", "ftp", "mailto"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strlen(names[i]) == len && g_ascii_strncasecmp(p, names[i], len) == 0)
            return true;
    return false;
}

/* Looks for a scheme before the colon at p; returns where to go on. */
static const char *at_colon(struct scan *s, const char *p)
{
    const char *start = p;
    const bool slash = s->end - p > 1 && p[1] == '/';
    /* Most colons stand in times of day and the like. */
    if (s->end - p < 2 || (unsigned char)p[1] <= ' ' ||
        (!slash && (p == s->text || !strchr("pPsSoO", p[-1]))))
        return p + 1;
    while (start > s->text && p - start < SCHEME_BYTES && is_scheme_char(start[-1]))
        start--;
    while (start < p && !g_ascii_isalpha(*start))
        start++;
    const bool known = is_known(start, (size_t)(p - start));
    const bool slashes = slash && s->end - p > 3 && p[2] == '/' && names_host(p + 3, s->end);
    return start < p && (known || slashes) ? take_link(s, start) : p + 1;
}

static const char *at_w(struct scan *s, const char *p)
{
    if (s->end - p < 5 || (p[1] | 0x20) != 'w' || (p[2] | 0x20) != 'w' || p[3] != '.' ||
        !((unsigned char)p[4] >= 0x80 || g_ascii_isgraph(p[4])))
        return p + 1;
    if (p > s->text &&
        (g_ascii_isalnum(p[-1]) || strchr("@.-_$!%'", p[-1]))) /* inside a word or name */
        return p + 1;
    return take_link(s, p);
}

/* Sixteen bytes, compared at once on any processor. */
typedef unsigned char lane __attribute__((vector_size(16)));

/* True if one of the 16 bytes at p may begin a link; 17 must be readable. */
static bool may_begin(const char *p)
{
    lane a, b;
    guint64 any[2];
    memcpy(&a, p, sizeof a);
    memcpy(&b, p + 1, sizeof b);
    const lane found = (lane)(a == ':') | (lane)(a == '@') |
                       ((lane)((a | 0x20) == 'w') & (lane)((b | 0x20) == 'w'));
    memcpy(any, &found, sizeof any);
    return any[0] | any[1];
}

/* Finds the next ':', '@' or "ww" fast: hardly any byte begins a link, and every byte of a message is tested. */
static const char *next_candidate(const char *p, const char *end)
{
    static const bool begins[256] = {[':'] = true, ['@'] = true, ['w'] = true, ['W'] = true};
    while (end - p > 16 && !may_begin(p))
        p += 16;
    while (p < end && !begins[(unsigned char)*p])
        p++;
    return p;
}

void links_scan(struct links *l, const char *text, size_t len, bool addresses)
{
    struct scan s = {.links = l, .text = text, .end = text + len, .addresses = addresses};
    const char *p = text;
    while ((p = next_candidate(p, s.end)) < s.end && !s.full && links_room(l))
        p = *p == ':' ? at_colon(&s, p) : *p == '@' ? at_address(&s, p) : at_w(&s, p);
}
