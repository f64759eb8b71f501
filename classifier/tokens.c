#include "classifier/tokens.h"

#include <string.h>

#include "base/bytes.h"
#include "classifier/text.h"

enum {
    HEADER_BYTES = 4096,        /* of one header's value */
    PART_BYTES = 64 * 1024,     /* of one part, before tags are stripped */
    PARTS_READ = 20,            /* text parts whose words are taken */
    PARTS_NAMED = 50,           /* parts whose type is taken */
    PREFIX_CHARS = 40,
};

struct place {
    uint64_t hash;
    guint32 offset; /* into text; only if hash is not 0 */
};

struct tokens {
    struct bytes text; /* tokens, each ended by NUL */
    GArray *places;
};

static void add_gap(struct tokens *t)
{
    const struct place gap = {0, 0};
    g_array_append_val(t->places, gap);
}

static void add(struct tokens *t, const char *prefix, const char *word, size_t len)
{
    static const unsigned char constant[16] = {0};
    if (t->places->len >= TOKENS_MAX || len == 0)
        return;
    struct place place = {.offset = (guint32)t->text.len};
    bytes_adds(&t->text, prefix);
    bytes_add(&t->text, word, len);
    place.hash = siphash(constant, t->text.data + place.offset, t->text.len - place.offset) | 1;
    bytes_add(&t->text, "", 1);
    g_array_append_val(t->places, place);
}

struct source {
    struct tokens *t;
    char prefix[PREFIX_CHARS]; /* before words */
    const char *url_prefix;
};

/* The host and, as spam varies its first labels, each parent of at least two labels. */
static void add_url(struct tokens *t, const char *prefix, const char *url, size_t len)
{
    char host[80];
    text_url_host(url, len, host, sizeof host);
    const char *p = host;
    do {
        add(t, prefix, p, strlen(p));
        p = strchr(p, '.');
        p = p ? p + 1 : "";
    } while (strchr(p, '.'));
}

static void take_word(enum text_kind kind, const char *word, size_t len, void *arg)
{
    const struct source *s = arg;
    if (kind == TEXT_URL)
        add_url(s->t, s->url_prefix, word, len);
    else
        add(s->t, s->prefix, word, len);
}

static void add_words(struct tokens *t, const char *prefix, const char *text, size_t len)
{
    struct source s = {.t = t, .url_prefix = "u:"};
    g_strlcpy(s.prefix, prefix, sizeof s.prefix);
    text_words(text, len, take_word, &s);
}

/* Written by the filter, by the mail store or a client after delivery, or nothing but noise. */
static bool is_header_left_out(const struct header *h)
{
    static const char *const names[] = {
        "Authentication-Results", "Delivered-To", "X-Original-To", "Return-Path", "DKIM-Signature",
        "DomainKey-Signature", "Autocrypt", "Status", "Lines", "Content-Length", "Face", "X-Face"};
    static const char *const starts[] = {"X-Filterd-", "X-Spam-", "X-DSPAM-", "ARC-", "X-Status",
                                         "X-UID", "X-Keywords", "X-Mozilla-", "X-IMAP",
                                 "X-Google-", "X-Gm-", "X-Received", "X-Bogosity",
                                         "HP-Outer"};
    if (h->dropped)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (header_is(h, names[i]))
            return true;
    for (size_t i = 0; i < G_N_ELEMENTS(starts); i++)
        if (header_starts(h, starts[i]))
            return true;
    return false;
}

/* The range of a header's value that says something. */
static void trim_value(const struct header *h, const char **text, size_t *len)
{
    if (header_is(h, "Received")) { /* behind the last ';' stands only the date */
        const char *date = memrchr(*text, ';', *len);
        *len = date ? (size_t)(date - *text) : *len;
    } else if (header_is(h, "Message-ID")) { /* what stands before the host never comes twice */
        const char *at = memrchr(*text, '@', *len);
        *len = at ? *len - (size_t)(at + 1 - *text) : 0;
        *text = at ? at + 1 : *text;
    }
}

static void add_header(struct tokens *t, const struct header *h)
{
    if (is_header_left_out(h))
        return;
    char prefix[PREFIX_CHARS] = "h:";
    size_t n = 2;
    for (size_t i = 0; i < h->name_len && n < sizeof prefix - 2; i++)
        prefix[n++] = g_ascii_tolower(h->name[i]);
    prefix[n++] = ':';
    struct header cut = *h;
    cut.value_len = MIN(cut.value_len, HEADER_BYTES);
    char *text = header_text(&cut);
    struct bytes utf8 = {0};
    text_to_utf8(&utf8, text ? text : "", text ? strlen(text) : 0, NULL);
    add_gap(t);
    if (utf8.len > 0) {
        const char *value = (char *)utf8.data;
        size_t len = utf8.len;
        trim_value(h, &value, &len);
        add_words(t, prefix, value, len);
    }
    if (text)
        explicit_bzero(text, strlen(text));
    g_free(text);
    bytes_free(&utf8);
}

struct body {
    struct tokens *t;
    size_t left; /* of TOKENS_BODY_BYTES */
    int read, named;
};

/* Cuts at a character's end. */
static size_t utf8_cut(const char *text, size_t len, size_t limit)
{
    if (len <= limit)
        return len;
    while (limit > 0 && ((unsigned char)text[limit] & 0xC0) == 0x80)
        limit--;
    return limit;
}

static void add_urls(struct tokens *t, const char *urls, size_t len)
{
    const char *end = urls + len;
    for (const char *p = urls; p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop ? stop : end;
        add_url(t, "u:", p, (size_t)(stop - p));
        p = stop + 1;
    }
}

static void add_text(struct body *b, const void *data, size_t len, const char *charset, bool html)
{
    struct bytes utf8 = {0}, plain = {0}, urls = {0};
    text_to_utf8(&utf8, data, MIN(len, PART_BYTES), charset);
    struct bytes *text = &utf8;
    if (html && utf8.len > 0) {
        text_from_html(&plain, &urls, (char *)utf8.data, utf8.len);
        text = &plain;
    }
    if (text->len > 0) {
        const size_t cut = utf8_cut((char *)text->data, text->len, b->left);
        add_gap(b->t);
        add_words(b->t, "", (char *)text->data, cut);
        b->left -= cut;
    }
    if (urls.len > 0) {
        add_gap(b->t);
        add_urls(b->t, (char *)urls.data, urls.len);
    }
    bytes_free(&utf8);
    bytes_free(&plain);
    bytes_free(&urls);
}

static void add_name(struct tokens *t, const char *name)
{
    struct bytes utf8 = {0};
    text_to_utf8(&utf8, name, MIN(strlen(name), 256), NULL);
    add_words(t, "n:", utf8.data ? (char *)utf8.data : "", utf8.len);
    const char *dot = strrchr(name, '.');
    if (dot && strlen(dot) <= 8) {
        char extension[8] = "";
        for (size_t i = 0; dot[i + 1]; i++)
            extension[i] = g_ascii_isalnum(dot[i + 1]) ? g_ascii_tolower(dot[i + 1]) : '?';
        add(t, "n:.", extension, strlen(extension));
    }
    bytes_free(&utf8);
}

/* A name of the protocol: what is not printable ASCII becomes '?'. */
static void add_ascii(struct tokens *t, const char *prefix, const char *text, size_t limit)
{
    char ascii[64];
    size_t n = 0;
    for (; text[n] && n < limit && n < sizeof ascii; n++)
        ascii[n] = g_ascii_isgraph(text[n]) ? g_ascii_tolower(text[n]) : '?';
    add(t, prefix, ascii, n);
}

static void take_part(const struct message_part *part, void *arg)
{
    struct body *b = arg;
    if (b->named++ < PARTS_NAMED) {
        add_gap(b->t);
        add_ascii(b->t, part->attachment ? "s:attached:" : "s:type:", part->type, 60);
        if (part->charset)
            add_ascii(b->t, "s:charset:", part->charset, 30);
        if (part->name)
            add_name(b->t, part->name);
    }
    if (part->kind != PART_LEAF || !part->data || strncmp(part->type, "text/", 5) != 0)
        return;
    if (b->left > 0 && b->read++ < PARTS_READ)
        add_text(b, part->data, part->len, part->charset, strcmp(part->type, "text/html") == 0);
}

/* What GMime could not make sense of is read as it stands: spam hides in broken messages. */
static void add_body(struct tokens *t, const struct message *m)
{
    struct body b = {.t = t, .left = TOKENS_BODY_BYTES};
    if (m->tree)
        message_each_part(m, take_part, &b);
    else
        add(t, "s:", "unreadable", strlen("unreadable"));
    if (m->body_len > 0 && b.left == TOKENS_BODY_BYTES && (!m->tree || b.named <= 1)) {
        const char *type = message_type(m);
        if (strncmp(type, "text/", 5) == 0 || strncmp(type, "multipart/", 10) == 0)
            add_text(&b, m->body, m->body_len, NULL, true);
    }
    if (b.named > PARTS_NAMED)
        add(t, "s:", "many-parts", strlen("many-parts"));
}

struct tokens *tokens_new(const struct message *m, const char *const *facts)
{
    struct tokens *t = g_new0(struct tokens, 1);
    t->places = g_array_new(FALSE, FALSE, sizeof(struct place));
    for (size_t i = 0; facts && facts[i]; i++) {
        add(t, "", facts[i], strlen(facts[i]));
        add_gap(t);
    }
    /* Headers may fill half: the other half is the body's. */
    for (size_t i = 0; i < m->header_count && t->places->len < TOKENS_MAX / 2; i++)
        add_header(t, &m->headers[i]);
    add_gap(t);
    add_body(t, m);
    return t;
}

void tokens_free(struct tokens **t)
{
    if (!*t)
        return;
    bytes_free(&(*t)->text);
    g_array_unref((*t)->places);
    g_free(*t);
    *t = NULL;
}

size_t tokens_count(const struct tokens *t)
{
    return t->places->len;
}

const char *tokens_text(const struct tokens *t, size_t i)
{
    const struct place *place = &g_array_index(t->places, struct place, i);
    return place->hash ? (const char *)t->text.data + place->offset : NULL;
}

uint64_t tokens_hash(const struct tokens *t, size_t i)
{
    return g_array_index(t->places, struct place, i).hash;
}

void tokens_each(const struct tokens *t, void (*fn)(const char *token, void *), void *arg)
{
    for (size_t i = 0; i < t->places->len; i++) {
        const char *text = tokens_text(t, i);
        if (text)
            fn(text, arg);
    }
}
