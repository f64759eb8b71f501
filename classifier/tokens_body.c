/* Makes tokens of a message's body: words, links and structure. Called by tokens_message.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/charset.h"
#include "base/mail/header.h"
#include "base/mail/html.h"
#include "base/mail/html_note.h"
#include "base/mail/links.h"
#include "base/mail/message.h"
#include "base/mail/message_part.h"
#include "base/mail/reading.h"
#include "base/mail/rfc2047.h"
#include "base/mail/text.h"
#include "classifier/tokens.h"
#include "classifier/tokens_make.h"

enum {
    PARTS_READ = 20,  /* text parts whose words become tokens */
    PARTS_NAMED = 50, /* parts whose type becomes a token */
    NAME_BYTES = 256,
    INNER_BYTES = 1024, /* limit for From or Subject of an attached message */
    FEW_BYTES = 100,    /* with an image and less text than this, the image is the message */
};

struct body {
    struct tokens *t;
    const struct reading *reading;
    size_t left; /* visible text still allowed, of TOKENS_BODY_BYTES */
    int read, named;
    int html_notes;
};

/* The length to cut the text to, at most limit, without splitting a character. */
static size_t utf8_cut(const char *text, size_t len, size_t limit)
{
    if (len <= limit)
        return len;
    while (limit > 0 && ((unsigned char)text[limit] & 0xC0) == 0x80)
        limit--;
    return limit;
}

static void add_words(struct body *b, const char *prefix, const struct bytes *text,
                      const struct links *links)
{
    if (text->len == 0 || b->left == 0)
        return;
    const char *start = (const char *)text->data;
    const struct tokens_source source = {.prefix = prefix};
    const struct text words = {start, utf8_cut(start, text->len, b->left), links};
    tokens_gap(b->t);
    tokens_add_source(b->t, &source, &words);
    b->left -= words.len;
}

static void add_html_notes(struct body *b, const struct reading_text *text)
{
    static const char *const names[HTML_NOTES] = {
        "hidden-colour",   "hidden-size", "hidden-display", "invisible",
        "comment-in-word", "form",        "script",         "iframe",
        "refresh",         "image",       "tiny-image",     "link-mismatch"};
    const int fresh = text->html_notes & ~b->html_notes;
    for (size_t i = 0; fresh && i < HTML_NOTES; i++)
        if (fresh & 1 << i)
            tokens_adds(b->t, "s:html:", names[i]);
    b->html_notes |= text->html_notes;
    if (text->html_notes & HTML_NOTE_IMAGE && text->seen.len < FEW_BYTES)
        tokens_adds(b->t, "s:html:", "image-only");
}

static void add_text(struct body *b, const struct reading_text *text)
{
    if (text->notes & READING_IN_HEAD)
        tokens_adds(b->t, "s:mime:", "text-in-head");
    if (text->notes & READING_FALSE_CHARSET)
        tokens_adds(b->t, "s:", "false-charset");
    add_words(b, "", &text->seen, &text->in_seen);
    add_words(b, "x:", &text->hidden, &text->in_hidden);
    if (text->opened.count > 0) {
        tokens_gap(b->t);
        tokens_add_links(b->t, &text->opened);
    }
    add_html_notes(b, text);
}

static void add_texts(struct body *b, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        add_text(b, b->reading->texts->pdata[i]);
}

static void add_name(struct tokens *t, const char *name)
{
    struct bytes utf8 = {0};
    charset_to_utf8(&utf8, name, MIN(strlen(name), NAME_BYTES), NULL);
    tokens_add_text(t, "n:", utf8.data ? (char *)utf8.data : "", utf8.len);
    const char *dot = strrchr(name, '.');
    if (dot && strlen(dot) <= 8)
        tokens_add_ascii(t, "n:.", dot + 1, 8);
    bytes_free(&utf8);
}

static void add_inner_header(struct tokens *t, const char *prefix, const char *value)
{
    struct bytes utf8 = {0};
    if (!value)
        return;
    rfc2047_decode(&utf8, value, MIN(strlen(value), INNER_BYTES), tokens_met(t));
    tokens_gap(t);
    tokens_add_text(t, prefix, utf8.data ? (char *)utf8.data : "", utf8.len);
    bytes_free(&utf8);
}

static void add_defects(struct tokens *t, int defects)
{
    static const char *const names[] = {"no-boundary", "no-parts", "not-closed", "odd-encoding",
                                        "dirty-base64"};
    for (size_t i = 0; defects && i < G_N_ELEMENTS(names); i++)
        if (defects & 1 << i)
            tokens_adds(t, "s:mime:", names[i]);
}

static void add_part_notes(struct tokens *t, int notes)
{
    if (notes & READING_TWO_TYPES)
        tokens_adds(t, "s:mime:", "two-types");
    if (notes & READING_UNDECLARED_BASE64)
        tokens_adds(t, "s:mime:", "undeclared-base64");
    if (notes & READING_FALSE_BASE64)
        tokens_adds(t, "s:mime:", "false-base64");
    if (notes & READING_BINARY)
        tokens_adds(t, "s:text:", "binary");
}

static void name_part(struct body *b, const struct message_part *part)
{
    tokens_gap(b->t);
    tokens_add_ascii(b->t, part->attachment ? "s:attached:" : "s:type:", part->type, 60);
    if (part->charset)
        tokens_add_ascii(b->t, "s:charset:", part->charset, 30);
    if (part->name)
        add_name(b->t, part->name);
    add_defects(b->t, part->defects);
}

static void take_part(struct body *b, const struct reading_part *p)
{
    const struct message_part *part = &p->part;
    const bool named = b->named++ < PARTS_NAMED;
    if (named)
        name_part(b, part);
    if (part->kind == PART_MESSAGE && named) {
        add_inner_header(b->t, "m:from:", part->from);
        add_inner_header(b->t, "m:subject:", part->subject);
    }
    if (part->kind == PART_MULTIPART && named)
        add_texts(b, p->first, p->count);
    if (part->kind != PART_LEAF || b->left == 0 || b->read >= PARTS_READ)
        return;
    b->read += (p->notes & READING_READ) != 0;
    add_part_notes(b->t, p->notes);
    add_texts(b, p->first, p->count);
}

static int count_headers(const struct message *m, const char *name)
{
    int n = 0;
    for (size_t i = 0; i < m->header_count; i++)
        n += header_is(&m->headers[i], name);
    return n;
}

/* Adds a token for each defect that well-meaning senders' software does not produce. */
static void add_message_defects(struct tokens *t, const struct message *m)
{
    static const char *const once[] = {"Content-Type", "Content-Transfer-Encoding",
                                       "From",         "To",
                                       "Subject",      "Date",
                                       "Message-ID",   "MIME-Version",
                                       "Reply-To"};
    for (size_t i = 0; i < G_N_ELEMENTS(once); i++) {
        const int n = count_headers(m, once[i]);
        if (n > 1)
            tokens_add_ascii(t, "s:twice:", once[i], 40);
    }
    const struct header *last = m->header_count ? &m->headers[m->header_count - 1] : NULL;
    if (m->body_len > 0 && last && m->body == last->start + last->len)
        tokens_adds(t, "s:", "no-empty-line");
    if (memchr(m->body, 0, m->body_len))
        tokens_adds(t, "s:", "nul");
}

void tokens_body(struct tokens *t, const struct reading *r)
{
    struct body b = {.t = t, .reading = r, .left = TOKENS_BODY_BYTES};
    add_message_defects(t, r->message);
    if (!r->message->tree)
        tokens_adds(t, "s:", "unreadable");
    for (guint i = 0; i < r->parts->len; i++)
        take_part(&b, &g_array_index(r->parts, struct reading_part, i));
    add_texts(&b, r->loose, r->texts->len - r->loose);
    if (b.named > PARTS_NAMED)
        tokens_adds(t, "s:", "many-parts");
}
