/* Decodes parts to texts and links. Called once per message by the pipeline, learn sessions and filterctl.
 * Parts that GMime could not parse are read from the raw bytes: spam hides in broken messages. */
#include "base/mail/reading.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/mail/charset.h"
#include "base/mail/decode.h"
#include "base/mail/header.h"
#include "base/mail/html.h"
#include "base/mail/message_part.h"

enum {
    MESSAGE_BYTES = 4 * 1024 * 1024, /* of all parts together, before HTML tags are removed */
    AROUND_BYTES = 2048,             /* read of a preamble or epilogue */
};

static void text_free(gpointer data)
{
    struct reading_text *t = data;
    bytes_free(&t->seen);
    bytes_free(&t->hidden);
    links_free(&t->in_seen);
    links_free(&t->in_hidden);
    links_free(&t->opened);
    g_free(t);
}

static struct reading_text *add_text(struct reading *r, int notes)
{
    struct reading_text *t = g_new0(struct reading_text, 1);
    t->notes = notes;
    g_ptr_array_add(r->texts, t);
    return t;
}

/* ---- one text ---- */

static bool is_html(const struct message_part *part, const void *data, size_t len)
{
    return part ? message_part_is_html(part) : memmem(data, len, "</", 2) != NULL;
}

/* XML or HTML? In XML "<style/>" ends itself, in HTML it does not. */
static bool is_xml(const struct message_part *part, const struct bytes *utf8)
{
    if (part && g_str_has_suffix(part->type, "+xml"))
        return true;
    return utf8->len > 5 && memcmp(utf8->data, "<?xml", 5) == 0 &&
           !(part && strcmp(part->type, "text/html") == 0);
}

static void find_links(struct reading *r, struct links *links, const struct bytes *text)
{
    links->met = r->message->met;
    links->mapped = r->mapped;
    if (text->len > 0)
        links_scan(links, (const char *)text->data, text->len, true);
    r->mapped = links->mapped;
}

static void read_html(struct reading *r, struct reading_text *t, struct bytes *utf8, bool xml)
{
    struct html h = {.links.mapped = r->mapped, .links.met = r->message->met};
    html_read(&h, (const char *)utf8->data, utf8->len, xml);
    t->notes |= READING_HTML;
    t->html_notes = h.notes;
    t->seen = h.text;
    t->hidden = h.hidden;
    t->opened = h.links;
    r->mapped = h.links.mapped;
    bytes_free(utf8);
}

/* Adds a text from the decoded bytes of a part, or, with part NULL, of unknown type. */
static void read_text(struct reading *r, const void *data, size_t len,
                      const struct message_part *part, int notes)
{
    struct bytes utf8 = {0};
    len = MIN(len, MIN((size_t)PART_TEXT_BYTES, r->left));
    if (len == 0)
        return;
    r->left -= len;
    struct reading_text *t = add_text(r, notes);
    if (!charset_to_utf8(&utf8, data, len, part ? part->charset : NULL))
        t->notes |= READING_FALSE_CHARSET;
    const bool xml = is_xml(part, &utf8);
    if (utf8.len > 0 &&
        (xml || is_html(part, data, len) || html_is((const char *)utf8.data, utf8.len)))
        read_html(r, t, &utf8, xml);
    else
        t->seen = utf8;
    find_links(r, &t->in_seen, &t->seen);
    find_links(r, &t->in_hidden, &t->hidden);
}

static void read_loosely(struct reading *r, const char *data, size_t len,
                         const struct message_part *part, int notes)
{
    struct bytes text = {0};
    decode_loosely(&text, data, len, MIN((size_t)PART_TEXT_BYTES, r->left));
    read_text(r, text.data, text.len, part, notes);
    bytes_free(&text);
}

/* ---- parts ---- */

/* Reads a preamble or epilogue, which mail clients hide, unless the structure is broken and it is all they
 * have. */
static void read_around(struct reading *r, const char *text, bool broken)
{
    struct bytes utf8 = {0};
    if (!text)
        return;
    const size_t len = strlen(text);
    if (broken) {
        read_loosely(r, text, len, NULL, 0);
        return;
    }
    charset_to_utf8(&utf8, text, MIN(len, (size_t)AROUND_BYTES), NULL);
    if (utf8.len == 0 || strstr((char *)utf8.data, "in MIME format")) {
        bytes_free(&utf8);
        return;
    }
    struct reading_text *t = add_text(r, 0);
    t->hidden = utf8;
    find_links(r, &t->in_hidden, &t->hidden);
}

/* Reads a part's header lines: looks for a second Content-Type, and for text that is no field, which GMime
 * drops. Returns notes. */
static int read_head(struct reading *r, const struct message_part *part)
{
    int types = 0;
    const char *end = part->head + part->head_len;
    for (const char *p = part->head, *next; p < end; p = next) {
        next = memchr(p, '\n', (size_t)(end - p));
        next = next ? next + 1 : end;
        const size_t len = (size_t)(next - p);
        types += len > 13 && g_ascii_strncasecmp(p, "Content-Type:", 13) == 0;
        if (*p > ' ' && !memchr(p, ':', len) && len > 4)
            read_loosely(r, p, len, NULL, READING_IN_HEAD);
    }
    return types > 1 ? READING_TWO_TYPES : 0;
}

static bool is_wide(const char *charset)
{
    return charset && (g_ascii_strncasecmp(charset, "utf-16", 6) == 0 ||
                       g_ascii_strncasecmp(charset, "utf-32", 6) == 0);
}

/* Reads a leaf's content, also if its encoding was declared wrongly. Returns notes. */
static int read_leaf(struct reading *r, const struct message_part *part)
{
    const bool plain =
        part->encoding == DECODE_IDENTITY && decode_is_base64(part->raw, part->raw_len);
    if (part->encoding == DECODE_UNKNOWN || plain) {
        read_loosely(r, part->raw, part->raw_len, part, 0);
        return READING_READ | (plain ? READING_UNDECLARED_BASE64 : 0);
    }
    if (decode_is_text(part->data, part->len) || is_wide(part->charset)) {
        read_text(r, part->data, part->len, part, 0);
        return READING_READ;
    }
    if (part->encoding == DECODE_BASE64 && decode_is_text(part->raw, part->raw_len) &&
        memchr(part->raw, ' ', MIN(part->raw_len, 200))) {
        read_text(r, part->raw, part->raw_len, part, 0);
        return READING_READ | READING_FALSE_BASE64;
    }
    return READING_READ | READING_BINARY;
}

/* True if its type says text, or the type says nothing and its content is text. */
static bool is_readable(const struct message_part *part)
{
    return message_part_is_text(part) || (message_part_may_be_text(part) && part->len > 0 &&
                                          decode_is_text(part->data, part->len));
}

static void take_part(const struct message_part *part, void *arg)
{
    struct reading *r = arg;
    struct reading_part own = {.part = *part, .first = r->texts->len};
    if (limits_time_is_up(r->message->met))
        return;
    if (part->kind == PART_MULTIPART) {
        const bool broken = part->defects & (PART_NO_BOUNDARY | PART_NO_PARTS);
        read_around(r, part->before, broken);
        read_around(r, part->after, broken);
    }
    if (part->kind == PART_LEAF && part->data) {
        own.notes = part->depth > 0 && part->head_len > 0 ? read_head(r, part) : 0;
        own.notes |= is_readable(part) ? read_leaf(r, part) : 0;
    }
    own.part.type = g_strdup(part->type);
    own.part.data = NULL;
    own.part.len = 0;
    own.count = r->texts->len - own.first;
    g_array_append_val(r->parts, own);
}

/* ---- the message ---- */

/* True if there are two Content-Type or two Content-Transfer-Encoding fields: mail clients may pick either. */
static bool says_twice(const struct message *m)
{
    int types = 0, encodings = 0;
    for (size_t i = 0; i < m->header_count; i++) {
        const struct header *h = &m->headers[i];
        if (!header_is_structural(h))
            continue;
        types += header_is(h, "Content-Type");
        encodings += header_is(h, "Content-Transfer-Encoding");
    }
    return types > 1 || encodings > 1;
}

/* True if mail clients may differ in what they show, or if the parts hold no text: then the raw body is read,
 * too. */
static bool is_broken(const struct reading *r)
{
    const struct message *m = r->message;
    const char *type = message_type(m);
    if (m->body_len == 0 || strcmp(type, "multipart/encrypted") == 0)
        return false;
    if (says_twice(m))
        return true;
    bool nothing = !m->tree || r->parts->len <= 1;
    for (guint i = 0; i < r->texts->len && nothing; i++) {
        const struct reading_text *t = r->texts->pdata[i];
        nothing = t->seen.len == 0 && t->hidden.len == 0;
    }
    return nothing && (g_str_has_prefix(type, "text/") || g_str_has_prefix(type, "multipart/"));
}

static void part_clear(gpointer data)
{
    struct reading_part *p = data;
    g_free((char *)p->part.type);
}

struct reading *reading_new(const struct message *m)
{
    struct reading *r = g_new0(struct reading, 1);
    r->message = m;
    r->left = MESSAGE_BYTES;
    r->parts = g_array_new(FALSE, FALSE, sizeof(struct reading_part));
    g_array_set_clear_func(r->parts, part_clear);
    r->texts = g_ptr_array_new_with_free_func(text_free);
    if (m->tree)
        message_each_part(m, take_part, r);
    r->loose = r->texts->len;
    if (!limits_time_is_up(r->message->met) && is_broken(r))
        read_loosely(r, m->body, m->body_len, NULL, 0);
    return r;
}

void reading_free(struct reading **reading)
{
    struct reading *r = *reading;
    if (!r)
        return;
    g_ptr_array_unref(r->texts);
    g_array_unref(r->parts);
    g_clear_pointer(reading, g_free);
}

/* ---- links ---- */

struct call {
    void (*fn)(const char *host, void *arg);
    void *arg;
};

static void each_host(const struct links *l, const struct call *call)
{
    for (size_t i = 0; i < l->count; i++) {
        const char *host = links_host(l, links_get(l, i));
        if (*host)
            call->fn(host, call->arg);
    }
}

/* True for fields that a reader acts on. */
static bool is_acted_on(const struct header *h)
{
    static const char *const names[] = {"From", "Sender", "Reply-To", "List-Unsubscribe",
                                        "Subject"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (header_is(h, names[i]))
            return true;
    return false;
}

static void each_of_header(const struct message *m, const struct call *call)
{
    size_t mapped = 0;
    for (size_t i = 0; i < m->header_count; i++) {
        struct links links = {.met = m->met, .mapped = mapped};
        g_autofree char *text = is_acted_on(&m->headers[i]) ? header_text(&m->headers[i], m->met) : NULL;
        if (!text)
            continue;
        links_scan(&links, text, strlen(text), true);
        each_host(&links, call);
        mapped = links.mapped;
        links_free(&links);
        explicit_bzero(text, strlen(text));
    }
}

void reading_each_host(const struct reading *r, void (*fn)(const char *host, void *arg), void *arg)
{
    const struct call call = {fn, arg};
    each_of_header(r->message, &call);
    for (guint i = 0; i < r->texts->len; i++) {
        const struct reading_text *t = r->texts->pdata[i];
        each_host(&t->opened, &call);
        each_host(&t->in_seen, &call);
        each_host(&t->in_hidden, &call);
    }
}
