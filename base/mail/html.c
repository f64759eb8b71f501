#include "base/mail/html.h"

#include <glib.h>
#include <string.h>

#include "base/mail/html_entity.h"
#include "base/mail/html_style.h"
#include "base/mail/url.h"

enum {
    LEVELS = 32,        /* elements with a style, one in the other */
    QUOTE_BYTES = 2048, /* a longer quoted value has lost its quote */
    URL_BYTES = 512,
    TAG_NAME = 12,
};

struct level {
    char name[TAG_NAME];
    int inner; /* open elements of the same name in it */
    struct html_style style;
};

struct reader {
    struct html *h;
    const char *end;
    struct level levels[LEVELS];
    int depth;
    int hidden;       /* why what comes next is not seen */
    bool no_comment;  /* no "-->" is left */
    bool last_hidden; /* where the last text went */
    char link[URL_HOST_BYTES]; /* of the open <a>, "" if none */
    size_t link_text;          /* where its text begins */
};

struct tag {
    char name[TAG_NAME];
    const struct tag_fact *fact;
    bool closing;
    struct html_style style;
    bool styled, tiny_width, tiny_height, refresh;
};

static struct bytes *target(struct reader *r)
{
    struct bytes *to = r->hidden ? &r->h->hidden : &r->h->text;
    if ((r->hidden != 0) != r->last_hidden)
        bytes_adds(to, " ");
    r->last_hidden = r->hidden != 0;
    return to;
}

/* Text without tags. */
static void add_text(struct reader *r, const char *p, size_t len)
{
    struct bytes *to = target(r);
    const char *end = p + len;
    r->h->notes |= r->hidden;
    while (p < end) {
        const char *entity = memchr(p, '&', (size_t)(end - p));
        bytes_add(to, p, (size_t)((entity ? entity : end) - p));
        if (!entity)
            return;
        char utf8[6];
        size_t n;
        const size_t took = html_entity_read(entity, end, utf8, &n);
        bytes_add(to, took ? utf8 : entity, took ? n : 1);
        p = entity + (took ? took : 1);
    }
}

static void add_url(struct reader *r, const char *p, size_t len)
{
    struct bytes *urls = &r->h->urls;
    const char *end = p + MIN(len, URL_BYTES);
    while (p < end) {
        char utf8[6];
        size_t n;
        const size_t took = *p == '&' ? html_entity_read(p, end, utf8, &n) : 0;
        if (took)
            bytes_add(urls, utf8, n);
        else if ((unsigned char)*p > ' ')
            bytes_add(urls, p, 1);
        p += took ? took : 1;
    }
    bytes_adds(urls, "\n");
}

static bool is(const char *name, size_t len, const char *word)
{
    return strlen(word) == len && g_ascii_strncasecmp(name, word, len) == 0;
}

struct attribute {
    const char *name, *value;
    size_t name_len, value_len;
};

static void take_link(struct reader *r, const struct attribute *a)
{
    struct url url;
    url_parse(&url, a->value, a->value_len);
    g_strlcpy(r->link, url.host, sizeof r->link);
    r->link_text = r->h->text.len;
}

static bool is_small(const struct attribute *a)
{
    return a->value_len == 1 && *a->value >= '0' && *a->value <= '2';
}

static void take_attribute(struct reader *r, struct tag *t, const struct attribute *a)
{
    const char *name = a->name;
    const size_t n = a->name_len;
    if (a->value_len == 0 && !is(name, n, "hidden"))
        return;
    if (is(name, n, "href") || is(name, n, "src") || is(name, n, "action")) {
        add_url(r, a->value, a->value_len);
        if (t->name[0] == 'a' && !t->name[1])
            take_link(r, a);
    } else if (is(name, n, "background")) {
        add_url(r, a->value, a->value_len);
        t->style.background = HTML_STYLE_UNKNOWN;
        t->styled = true;
    } else if (is(name, n, "style")) {
        html_style_read(&t->style, a->value, a->value_len);
        t->styled = true;
    } else if (is(name, n, "color") || is(name, n, "text") || is(name, n, "bgcolor")) {
        html_style_colour(&t->style, a->value, a->value_len, n == 7);
        t->styled = true;
    } else if (is(name, n, "hidden")) {
        t->style.hidden |= HTML_NOTE_DISPLAY;
        t->styled = true;
    } else if (is(name, n, "width")) {
        t->tiny_width = is_small(a);
    } else if (is(name, n, "height")) {
        t->tiny_height = is_small(a);
    } else if (is(name, n, "http-equiv")) {
        t->refresh = is(a->value, a->value_len, "refresh");
    } else if (is(name, n, "alt")) {
        add_text(r, " ", 1);
        add_text(r, a->value, a->value_len);
        add_text(r, " ", 1);
    }
}

/* The value at p, its quotes respected if they are a pair; returns where it ends. */
static const char *read_value(const char *p, const char *end, struct attribute *a)
{
    if (p < end && (*p == '"' || *p == '\'')) {
        const char *close = memchr(p + 1, *p, (size_t)MIN(end - p - 1, QUOTE_BYTES));
        if (close) {
            a->value = p + 1;
            a->value_len = (size_t)(close - p - 1);
            return close + 1;
        }
    }
    a->value = p;
    while (p < end && *p != '>' && !g_ascii_isspace(*p))
        p++;
    a->value_len = (size_t)(p - a->value);
    return p;
}

static bool is_name_end(char c)
{
    return c == '=' || c == '>' || c == '/' || (unsigned char)c <= ' ';
}

/* The attributes from p on; returns where the tag ends, at its '>' or the end. */
static const char *take_attributes(struct reader *r, struct tag *t, const char *p)
{
    const char *end = r->end;
    while (p < end && *p != '>') {
        struct attribute a = {.name = p, .value = ""};
        while (p < end && !is_name_end(*p))
            p++;
        a.name_len = (size_t)(p - a.name);
        const char *q = p;
        while (q < end && (unsigned char)*q <= ' ')
            q++;
        if (q < end && *q == '=') {
            for (q++; q < end && (unsigned char)*q <= ' ';)
                q++;
            p = read_value(q, end, &a);
        } else if (p < end && *p != '>') {
            p++;
        }
        if (a.name_len > 2 && !t->closing)
            take_attribute(r, t, &a);
    }
    return p;
}

enum tag_kind {
    TAG_INLINE = 1, /* parts no words: "Via<b>gra</b>" is one */
    TAG_VOID = 2,   /* has no end */
    TAG_ALONE = 4,  /* the next of its name ends it */
    TAG_SKIP = 8,   /* what is in it is no text */
};

static const struct tag_fact {
    const char *name;
    int kind, note;
} tag_facts[] = {
    {"a", TAG_INLINE, 0},          {"b", TAG_INLINE, 0},       {"base", TAG_VOID, 0},
    {"big", TAG_INLINE, 0},        {"br", TAG_VOID, 0},        {"col", TAG_VOID, 0},
    {"em", TAG_INLINE, 0},         {"embed", 0, HTML_NOTE_IFRAME}, {"font", TAG_INLINE, 0},
    {"form", 0, HTML_NOTE_FORM},   {"frame", 0, HTML_NOTE_IFRAME}, {"hr", TAG_VOID, 0},
    {"i", TAG_INLINE, 0},          {"iframe", 0, HTML_NOTE_IFRAME}, {"img", TAG_VOID, HTML_NOTE_IMAGE},
    {"input", TAG_VOID, 0},        {"ins", TAG_INLINE, 0},     {"li", TAG_ALONE, 0},
    {"link", TAG_VOID, 0},         {"meta", TAG_VOID, 0},      {"object", 0, HTML_NOTE_IFRAME},
    {"p", TAG_ALONE, 0},           {"s", TAG_INLINE, 0},       {"script", TAG_SKIP, HTML_NOTE_SCRIPT},
    {"small", TAG_INLINE, 0},      {"span", TAG_INLINE, 0},    {"strong", TAG_INLINE, 0},
    {"style", TAG_SKIP, 0},        {"sub", TAG_INLINE, 0},     {"sup", TAG_INLINE, 0},
    {"tt", TAG_INLINE, 0},         {"u", TAG_INLINE, 0},       {"wbr", TAG_INLINE | TAG_VOID, 0},
};

static const struct tag_fact *fact_of(const char *name)
{
    static const struct tag_fact none = {"", 0, 0};
    for (size_t i = 0; i < G_N_ELEMENTS(tag_facts); i++)
        if (tag_facts[i].name[0] == name[0] && strcmp(tag_facts[i].name, name) == 0)
            return &tag_facts[i];
    return &none;
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
        if (t->fact->kind & TAG_ALONE)
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

/* A link whose text is an address itself must lead there. */
static void end_link(struct reader *r)
{
    const struct bytes *text = &r->h->text;
    if (r->link[0] && text->len > r->link_text) {
        const char *p = (char *)text->data + r->link_text;
        size_t len = text->len - r->link_text;
        while (len > 0 && (unsigned char)*p <= ' ')
            p++, len--;
        struct url shown;
        url_parse(&shown, p, strcspn(p, " \t\r\n"));
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
    if (t->refresh)
        r->h->notes |= HTML_NOTE_REFRESH;
}

/* Where "</name" begins, or the end. */
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

/* A comment at p; returns what is behind it, NULL if it never ends. */
static const char *take_comment(struct reader *r, const char *start, const char *p)
{
    const char *close = r->no_comment ? NULL : memmem(p + 2, (size_t)(r->end - p - 2), "-->", 3);
    r->no_comment = !close;
    if (!close)
        return NULL;
    if (in_word(start, p, close + 3, r->end))
        r->h->notes |= HTML_NOTE_COMMENT;
    return close + 3;
}

/* p is at the '<' of a tag; returns where the text goes on. */
static const char *take_tag(struct reader *r, const char *p)
{
    struct tag t = {.closing = p[1] == '/'};
    size_t n = 0;
    for (p += 1 + t.closing; p < r->end && g_ascii_isalnum(*p); p++)
        if (n + 1 < sizeof t.name)
            t.name[n++] = g_ascii_tolower(*p);
    t.fact = fact_of(t.name);
    t.style = *style_now(r);
    p = take_attributes(r, &t, p);
    if (!(t.fact->kind & TAG_INLINE) && n > 0)
        bytes_adds(r->hidden ? &r->h->hidden : &r->h->text, " ");
    if (t.closing) {
        if (r->depth > 0)
            close_level(r, t.name);
        if (strcmp(t.name, "a") == 0)
            end_link(r);
    } else {
        note_tag(r, &t);
        if ((t.styled || r->depth > 0) && !(t.fact->kind & TAG_VOID))
            open_level(r, &t);
        if (t.fact->kind & TAG_SKIP)
            return closing_tag(p, r->end, t.name);
    }
    return p < r->end ? p + 1 : r->end;
}

void html_read(struct html *h, const char *html, size_t len)
{
    struct reader r = {.h = h, .end = html + len};
    bytes_reserve(&h->text, len);
    style_now(&r);
    for (const char *p = html; p < r.end;) {
        const char *tag = memchr(p, '<', (size_t)(r.end - p));
        const char *stop = tag ? tag : r.end;
        if (stop > p)
            add_text(&r, p, (size_t)(stop - p));
        if (!tag)
            break;
        const char *next = NULL;
        if (r.end - tag >= 4 && memcmp(tag, "<!--", 4) == 0)
            next = take_comment(&r, html, tag);
        if (!next && tag + 1 < r.end && (g_ascii_isalpha(tag[1]) || strchr("/!?", tag[1])) && tag[1])
            next = take_tag(&r, tag);
        if (!next) {
            add_text(&r, "<", 1);
            next = tag + 1;
        }
        p = next;
    }
    explicit_bzero(&r, sizeof r);
}

void html_free(struct html *h)
{
    bytes_free(&h->text);
    bytes_free(&h->hidden);
    bytes_free(&h->urls);
    h->notes = 0;
}

bool html_is(const char *text, size_t len)
{
    static const char *const starts[] = {"<html", "<!doctype html", "<body", "<head", "<table", "<div"};
    while (len > 0 && g_ascii_isspace(*text))
        text++, len--;
    for (size_t i = 0; i < G_N_ELEMENTS(starts); i++)
        if (len > strlen(starts[i]) && g_ascii_strncasecmp(text, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}
