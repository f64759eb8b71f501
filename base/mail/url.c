/* The URL parser, as far as the host (https://url.spec.whatwg.org). Called by links.c and html.c. */
#include "base/mail/url.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/url_note.h"

struct range {
    const char *p, *end;
};

static const struct {
    const char *name;
    enum url_scheme scheme;
    int note;
} schemes[] = {
    {"http", URL_HTTP, 0},
    {"https", URL_HTTPS, 0},
    {"mailto", URL_MAILTO, 0},
    {"ftp", URL_FTP, 0},
    {"data", URL_OTHER, URL_NOTE_DATA},
    {"javascript", URL_OTHER, URL_NOTE_SCRIPT},
    {"vbscript", URL_OTHER, URL_NOTE_SCRIPT},
    {"file", URL_FILE, 0},
    {"ws", URL_WS, 0},
    {"wss", URL_WSS, 0},
};

/* Reads "scheme:", if there is one, and moves behind it. */
static void read_scheme(struct url *u, struct range *r)
{
    const char *p = r->p;
    if (p == r->end || !g_ascii_isalpha(*p))
        return;
    while (p < r->end && (g_ascii_isalnum(*p) || *p == '+' || *p == '-' || *p == '.'))
        p++;
    if (p == r->end || *p != ':')
        return;
    const size_t len = (size_t)(p - r->p);
    u->scheme = URL_OTHER;
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (strlen(schemes[i].name) != len || g_ascii_strncasecmp(r->p, schemes[i].name, len) != 0)
            continue;
        u->scheme = schemes[i].scheme;
        u->notes |= schemes[i].note;
    }
    r->p = p + 1;
}

static bool is_special(enum url_scheme scheme)
{
    return scheme != URL_OTHER && scheme != URL_MAILTO;
}

/* Counts the slashes at p, and backslashes if browsers treat them as slashes in this scheme. */
static size_t slashes(const struct range *r, bool special)
{
    const char *p = r->p;
    while (p < r->end && (*p == '/' || (special && *p == '\\')))
        p++;
    return (size_t)(p - r->p);
}

/* Moves to the authority; false if there is none. */
static bool find_authority(const struct url *u, struct range *r, const struct url *base)
{
    const size_t n = slashes(r, is_special(u->scheme)), left = (size_t)(r->end - r->p);
    if (u->scheme == URL_NONE && n == 0)
        return !base && left > 4 && g_ascii_strncasecmp(r->p, "www.", 4) == 0;
    if (u->scheme == URL_OTHER || u->scheme == URL_FILE) {
        r->p += 2;
        return n == 2;
    }
    const bool relative = u->scheme == URL_NONE || (base && base->scheme == u->scheme);
    r->p += n;
    return n >= 2 || !relative;
}

/* Reads the authority: a user up to the last '@', the host, a port after ':'. */
static void read_authority(struct url *u, struct range r)
{
    const char *at = memrchr(r.p, '@', (size_t)(r.end - r.p));
    if (at) {
        u->notes |= URL_NOTE_USER;
        r.p = at + 1;
    }
    const char *bracket =
        r.p < r.end && *r.p == '[' ? memchr(r.p, ']', (size_t)(r.end - r.p)) : NULL;
    const char *from = bracket ? bracket : r.p;
    const char *colon = memchr(from, ':', (size_t)(r.end - from));
    if (colon && colon + 1 < r.end)
        u->notes |= URL_NOTE_PORT;
    u->notes |= url_host_read(u->host, r.p, (size_t)((colon ? colon : r.end) - r.p));
}

/* Reads mailto: takes the domain of the first address. */
static void read_mailbox(struct url *u, struct range r)
{
    const char *at = memchr(r.p, '@', (size_t)(r.end - r.p));
    if (!at)
        return;
    const char *stop = ++at;
    while (stop < r.end && !strchr("?,;&>", *stop))
        stop++;
    u->notes |= url_host_read(u->host, at, (size_t)(stop - at));
}

/* Returns where parsing stopped: behind the authority, or at the end. */
static const char *parse(struct url *u, struct range r, const struct url *base)
{
    u->host[0] = '\0';
    u->scheme = URL_NONE;
    u->notes = 0;
    read_scheme(u, &r);
    if (u->scheme == URL_MAILTO) {
        read_mailbox(u, r);
        return r.end;
    }
    if (!find_authority(u, &r, base))
        return r.end;
    const char *stop = r.p;
    while (stop < r.end && *stop != '/' && *stop != '?' && *stop != '#' &&
           !(*stop == '\\' && is_special(u->scheme)))
        stop++;
    read_authority(u, (struct range){r.p, stop});
    return stop;
}

static bool is_break(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

static bool has_break(const char *p, const char *end)
{
    while (p < end && !is_break(*p))
        p++;
    return p < end;
}

void url_parse(struct url *u, const char *text, size_t len, const struct url *base)
{
    struct range r = {text, text + len};
    while (r.p < r.end && (unsigned char)*r.p <= ' ')
        r.p++;
    while (r.p < r.end && (unsigned char)r.end[-1] <= ' ')
        r.end--;
    if (!has_break(r.p, parse(u, r, base)))
        return;
    /* Browsers drop tabs and line ends first; hardly any URL has some. */
    struct bytes joined = {0};
    bytes_reserve(&joined, (size_t)(r.end - r.p));
    for (const char *p = r.p; p < r.end; p++)
        if (!is_break(*p))
            joined.data[joined.len++] = (unsigned char)*p;
    const char *start = (const char *)joined.data;
    parse(u, (struct range){start, start + joined.len}, base);
    bytes_free(&joined);
}
