/* One pass over HTML or SVG: visible text, hidden text, links and notes. Called by reading.c. */
#include "base/mail/html.h"

#include <glib.h>
#include <string.h>

#include "base/mail/html_entity.h"
#include "base/mail/html_link.h"
#include "base/mail/html_note.h"
#include "base/mail/html_style.h"
#include "base/mail/html_tag.h"
#include "base/mail/url.h"
#include "base/mail/url_host.h"

enum {
    LEVELS = 32, /* nested elements with a style that are remembered */
    TAG_NAME = 12,
};

struct level {
    char name[TAG_NAME];
    int inner; /* open elements of the same name inside */
    struct html_style style;
};

struct reader {
    struct html *h;
    const char *end;
    struct html_link links;
    struct html_quotes quotes;
    struct bytes value; /* of an attribute, with its character references decoded */
    struct level levels[LEVELS];
    int depth;
    int hidden;                        /* html_note bits: why the text at this point is not visible */
    bool xml;                          /* the document is XML, not HTML */
    bool foreign;                      /* inside svg or math */
    bool no_comment, no_odd, no_close; /* no "-->", "--!>", '>' follows: do not search again */
    bool last_hidden;                  /* the last text was hidden */
    char link[URL_HOST_BYTES];         /* host of the open <a>, "" if none */
    size_t link_text;                  /* offset of its text */
};

struct range {
    const char *p;
    size_t len;
};

struct tag {
    char name[TAG_NAME];
    const struct html_tag_fact *fact;
    bool closing, empty; /* "</a>", "<a/>" */
    int seen;            /* bits of enum html_attribute_kind: the first of a name counts */
    struct html_style style;
    bool styled, tiny_width, tiny_height, refresh;
    struct range content;
};

static struct bytes *target(struct reader *r)
{
    struct bytes *to = r->hidden ? &r->h->hidden : &r->h->text;
    if ((r->hidden != 0) != r->last_hidden)
        bytes_adds(to, " ");
    r->last_hidden = r->hidden != 0;
    return to;
}

/* Appends text with its character references decoded. */
static void decode(struct bytes *to, struct range text, bool attribute)
{
    const char *p = text.p, *end = p + text.len;
    while (p < end) {
        const char *entity = memchr(p, '&', (size_t)(end - p));
        bytes_add(to, p, (size_t)((entity ? entity : end) - p));
        if (!entity)
            return;
        char utf8[HTML_ENTITY_BYTES];
        size_t n;
        const size_t took = html_entity_read(entity, end, attribute, utf8, &n);
        if (took && !attribute && n == 2 && memcmp(utf8, "\xC2\xA0", 2) == 0)
            bytes_adds(to, " "); /* a no-break space separates words like any blank */
        else
            bytes_add(to, took ? utf8 : entity, took ? n : 1);
        p = entity + (took ? took : 1);
    }
}

/* Appends text that holds no tags. */
static void add_text(struct reader *r, const char *p, size_t len)
{
    r->h->notes |= r->hidden;
    decode(target(r), (struct range){p, len}, false);
}

static bool is(struct range r, const char *word)
{
    return strlen(word) == r.len && g_ascii_strncasecmp(r.p, word, r.len) == 0;
}

/* An attribute's value with character references decoded; lent until the next call. */
static struct range value_of(struct reader *r, const struct html_attribute *a)
{
    struct range value = {a->value, a->value_len};
    if (!memchr(a->value, '&', a->value_len))
        return value;
    bytes_clear(&r->value);
    decode(&r->value, value, true);
    return (struct range){(const char *)r->value.data, r->value.len};
}

static void take_href(struct reader *r, const struct tag *t, struct range value)
{
    const size_t before = r->links.links->count;
    if (strcmp(t->name, "base") == 0)
        html_link_base(&r->links, value.p, value.len);
    else
        html_link_url(&r->links, value.p, value.len);
    if (t->name[0] != 'a' || t->name[1])
        return;
    const struct links *links = r->links.links;
    const bool added = links->count > before;
    g_strlcpy(r->link, added ? links_host(links, links_get(links, links->count - 1)) : "",
              sizeof r->link);
    r->link_text = r->h->text.len;
}

static bool is_small(struct range value)
{
    return value.len == 1 && *value.p >= '0' && *value.p <= '2';
}

static void take_alt(struct reader *r, struct range value)
{
    struct bytes *to = target(r);
    r->h->notes |= r->hidden;
    bytes_adds(to, " ");
    bytes_add(to, value.p, value.len);
    bytes_adds(to, " ");
}

/* An attribute that holds a URL or several. */
static void take_link(struct reader *r, struct tag *t, enum html_attribute_kind kind,
                      struct range value)
{
    if (kind == HTML_ATTRIBUTE_HREF || kind == HTML_ATTRIBUTE_XML_HREF)
        take_href(r, t, value);
    else if (kind == HTML_ATTRIBUTE_SRCSET)
        html_link_srcset(&r->links, value.p, value.len);
    else if (kind != HTML_ATTRIBUTE_URLS)
        html_link_url(&r->links, value.p, value.len);
    else if (strcmp(t->name, "a") == 0 || strcmp(t->name, "area") == 0 ||
             strcmp(t->name, "set") == 0 || g_str_has_prefix(t->name, "animate"))
        html_link_list(&r->links, value.p, value.len);
}

/* An attribute that changes how text looks. */
static void take_style(struct reader *r, struct tag *t, enum html_attribute_kind kind,
                       struct range value)
{
    t->styled = true;
    if (kind == HTML_ATTRIBUTE_STYLE) {
        html_style_read(&t->style, value.p, value.len);
        html_link_css(&r->links, value.p, value.len);
    } else if (kind == HTML_ATTRIBUTE_BACKGROUND) {
        html_link_url(&r->links, value.p, value.len);
        t->style.background = HTML_STYLE_UNKNOWN;
    } else if (kind == HTML_ATTRIBUTE_HIDDEN) {
        t->style.hidden |= HTML_NOTE_DISPLAY;
    } else {
        html_style_colour(&t->style, value.p, value.len, kind == HTML_ATTRIBUTE_BGCOLOUR);
    }
}

static void take_attribute(struct reader *r, struct tag *t, const struct html_attribute *a)
{
    const enum html_attribute_kind kind = html_attribute_kind(a);
    if (kind == HTML_ATTRIBUTE_OTHER || (a->value_len == 0 && kind != HTML_ATTRIBUTE_HIDDEN) ||
        (t->seen & kind && kind != HTML_ATTRIBUTE_URL && kind != HTML_ATTRIBUTE_COLOUR))
        return;
    const struct range value = value_of(r, a);
    t->seen |= kind;
    if (kind <= HTML_ATTRIBUTE_SRCSET)
        take_link(r, t, kind, value);
    else if (kind <= HTML_ATTRIBUTE_HIDDEN)
        take_style(r, t, kind, value);
    else if (kind == HTML_ATTRIBUTE_WIDTH)
        t->tiny_width = is_small(value);
    else if (kind == HTML_ATTRIBUTE_HEIGHT)
        t->tiny_height = is_small(value);
    else if (kind == HTML_ATTRIBUTE_HTTP_EQUIV)
        t->refresh = is(value, "refresh");
    else if (kind == HTML_ATTRIBUTE_CONTENT)
        t->content = (struct range){a->value, a->value_len};
    else if (kind == HTML_ATTRIBUTE_ALT)
        take_alt(r, value);
}

/* Reads the attributes from p on; returns the tag's '>' or the end of the text. */
static const char *take_attributes(struct reader *r, struct tag *t, const char *p)
{
    while (p < r->end && *p != '>') {
        struct html_attribute a;
        t->empty = *p == '/';
        p = html_attribute_read(&a, p, r->end, &r->quotes);
        if (a.name_len > 1 && !t->closing)
            take_attribute(r, t, &a);
    }
    return p;
}

static struct html_style *style_now(struct reader *r)
{
    static const struct html_style plain = {.colour = 0x000000, .background = 0xFFFFFF};
    if (r->depth == 0)
        r->levels[0].style = plain;
    return &r->levels[r->depth].style;
}

static void close_level(struct reader *r, const char *name)
{
    for (int i = r->depth; i > 0; i--) {
        if (strcmp(r->levels[i].name, name) != 0)
            continue;
        if (r->levels[i].inner > 0)
            r->levels[i].inner--;
        else
            r->depth = i - 1;
        break;
    }
    r->hidden = html_style_hidden(style_now(r));
}

static void open_level(struct reader *r, const struct tag *t)
{
    for (int i = r->depth; i > 0; i--) {
        if (strcmp(r->levels[i].name, t->name) != 0)
            continue;
        if (t->fact->kind & HTML_TAG_ALONE)
            close_level(r, t->name);
        else if (!t->styled || r->depth + 1 == LEVELS)
            r->levels[i].inner++;
        break;
    }
    if (!t->styled || r->depth + 1 == LEVELS)
        return;
    struct level *level = &r->levels[++r->depth];
    memcpy(level->name, t->name, sizeof level->name);
    level->inner = 0;
    level->style = t->style;
    r->hidden = html_style_hidden(&level->style);
}

/* At the end of a link: if its text is itself a URL, the link must lead to that host. */
static void end_link(struct reader *r)
{
    const struct bytes *text = &r->h->text;
    if (r->link[0] && text->len > r->link_text) {
        const char *p = (char *)text->data + r->link_text;
        size_t len = text->len - r->link_text;
        while (len > 0 && (unsigned char)*p <= ' ')
            p++, len--;
        struct url shown;
        url_parse(&shown, p, strcspn(p, " \t\r\n"), NULL);
        const size_t n = strlen(shown.host), m = strlen(r->link);
        const char *a = g_str_has_prefix(shown.host, "www.") ? shown.host + 4 : shown.host;
        if (n > 0 && len < 200 && (m < strlen(a) || strcmp(r->link + m - strlen(a), a) != 0))
            r->h->notes |= HTML_NOTE_MISMATCH;
    }
    r->link[0] = '\0';
}

static void note_tag(struct reader *r, const struct tag *t)
{
    r->h->notes |= t->fact->note;
    if (t->tiny_width && t->tiny_height && t->name[0] == 'i')
        r->h->notes |= HTML_NOTE_TINY_IMAGE;
    if (!t->refresh)
        return;
    r->h->notes |= HTML_NOTE_REFRESH;
    const struct html_attribute content = {.value = t->content.p ? t->content.p : "",
                                           .value_len = t->content.len};
    const struct range value = value_of(r, &content);
    html_link_refresh(&r->links, value.p, value.len);
}

/* Returns where "</name" begins, or the end of the text. */
static const char *closing_tag(const char *p, const char *end, const char *name)
{
    const size_t n = strlen(name);
    while ((p = memmem(p, (size_t)(end - p), "</", 2))) {
        if ((size_t)(end - p) > n + 2 && g_ascii_strncasecmp(p + 2, name, n) == 0)
            return p;
        p += 2;
    }
    return end;
}

static bool in_word(const char *start, const char *before, const char *after, const char *end)
{
    return before > start && after < end && g_ascii_isalpha(before[-1]) && g_ascii_isalpha(*after);
}

/* Reads the comment at p; returns what follows it, NULL if it never ends. */
static const char *take_comment(struct reader *r, const char *start, const char *p)
{
    const char *close = r->no_comment ? NULL : memmem(p + 2, (size_t)(r->end - p - 2), "-->", 3);
    r->no_comment = !close;
    const char *limit = close ? close : r->end, *after = close ? close + 3 : NULL;
    /* Browsers end a comment at "--!>", too. */
    const char *odd =
        !r->no_odd && limit - p > 4 ? memmem(p + 4, (size_t)(limit - p - 4), "--!>", 4) : NULL;
    r->no_odd = !close && !odd;
    after = odd ? odd + 4 : after;
    if (after && in_word(start, p, after, r->end))
        r->h->notes |= HTML_NOTE_COMMENT;
    return after;
}

/* Skips "<!doctype ...>", "<?xml ...?>" or "</ >", in which quotes have no meaning. NULL if it never ends. */
static const char *take_declaration(struct reader *r, const char *p)
{
    if (r->foreign && r->end - p > 9 && memcmp(p, "<![CDATA[", 9) == 0)
        return p + 9; /* the content of CDATA is text */
    const char *close = r->no_close ? NULL : memchr(p, '>', (size_t)(r->end - p));
    r->no_close = !close;
    return close ? close + 1 : NULL;
}

/* Skips script content and reads a style sheet for its links only; p is at the tag's '>'. Returns where the
 * closing tag begins. */
static const char *skip_content(struct reader *r, const struct tag *t, const char *p)
{
    const char *start = p < r->end ? p + 1 : p, *close = closing_tag(start, r->end, t->name);
    if (strcmp(t->name, "style") == 0)
        html_link_css(&r->links, start, (size_t)(close - start));
    return close;
}

static void end_tag(struct reader *r, const struct tag *t)
{
    if (r->depth > 0)
        close_level(r, t->name);
    if (strcmp(t->name, "a") == 0)
        end_link(r);
    else if (strcmp(t->name, "svg") == 0 || strcmp(t->name, "math") == 0)
        r->foreign = r->xml;
}

/* Reads the tag whose '<' is at p; returns where the text goes on. */
static const char *take_tag(struct reader *r, const char *p)
{
    struct tag t = {.closing = p[1] == '/'};
    size_t n = 0;
    for (p += 1 + t.closing; p < r->end && (g_ascii_isalnum(*p) || *p == ':'); p++)
        if (*p == ':' && r->foreign)
            n = 0; /* "<svg:a": only the local name counts */
        else if (n + 1 < sizeof t.name)
            t.name[n++] = g_ascii_tolower(*p);
    memset(t.name + n, 0, sizeof t.name - n);
    t.fact = html_tag_fact(t.name);
    t.style = *style_now(r);
    p = take_attributes(r, &t, p);
    if (!(t.fact->kind & HTML_TAG_INLINE) && n > 0)
        bytes_adds(r->hidden ? &r->h->hidden : &r->h->text, " ");
    if (t.closing) {
        end_tag(r, &t);
        return p < r->end ? p + 1 : r->end;
    }
    note_tag(r, &t);
    r->foreign = r->foreign || strcmp(t.name, "svg") == 0 || strcmp(t.name, "math") == 0;
    const bool closed = t.fact->kind & HTML_TAG_VOID || (t.empty && r->foreign);
    if ((t.styled || r->depth > 0) && !closed)
        open_level(r, &t);
    if (t.fact->kind & HTML_TAG_SKIP && !closed)
        return skip_content(r, &t, p);
    return p < r->end ? p + 1 : r->end;
}

/* Reads the markup that the '<' at p begins; returns where the text goes on, NULL if it begins none. */
static const char *take_markup(struct reader *r, const char *start, const char *p)
{
    const char *next = NULL;
    if (r->end - p < 2)
        return NULL;
    if (r->end - p >= 4 && memcmp(p, "<!--", 4) == 0)
        next = take_comment(r, start, p);
    if (next)
        return next;
    if (p[1] == '!' || p[1] == '?' || (p[1] == '/' && r->end - p > 2 && !g_ascii_isalpha(p[2])))
        return take_declaration(r, p);
    return g_ascii_isalpha(p[1]) || p[1] == '/' ? take_tag(r, p) : NULL;
}

void html_read(struct html *h, const char *html, size_t len, bool xml)
{
    struct reader r = {
        .h = h, .end = html + len, .links = {.links = &h->links}, .xml = xml, .foreign = xml};
    bytes_reserve(&h->text, len);
    style_now(&r);
    for (const char *p = html; p < r.end;) {
        const char *tag = memchr(p, '<', (size_t)(r.end - p));
        const char *stop = tag ? tag : r.end;
        if (stop > p)
            add_text(&r, p, (size_t)(stop - p));
        if (!tag)
            break;
        const char *next = take_markup(&r, html, tag);
        if (!next) {
            add_text(&r, "<", 1);
            next = tag + 1;
        }
        p = next;
    }
    bytes_free(&r.value);
    explicit_bzero(&r, sizeof r);
}

void html_free(struct html *h)
{
    bytes_free(&h->text);
    bytes_free(&h->hidden);
    links_free(&h->links);
    h->notes = 0;
}

bool html_is(const char *text, size_t len)
{
    static const char *const starts[] = {"<html",  "<!doctype html", "<body", "<head",
                                         "<table", "<div",           "<svg",  "<?xml"};
    while (len > 0 && g_ascii_isspace(*text))
        text++, len--;
    for (size_t i = 0; i < G_N_ELEMENTS(starts); i++)
        if (len > strlen(starts[i]) && g_ascii_strncasecmp(text, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}
