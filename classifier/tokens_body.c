#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/charset.h"
#include "base/mail/decode.h"
#include "base/mail/header.h"
#include "base/mail/html.h"
#include "base/mail/message.h"
#include "base/mail/message_part.h"
#include "base/mail/rfc2047.h"
#include "classifier/tokens.h"
#include "classifier/tokens_make.h"

enum {
    PART_BYTES = 64 * 1024,     /* of one part, before tags are stripped */
    MESSAGE_BYTES = 256 * 1024, /* of all parts, before tags are stripped */
    PARTS_READ = 20,            /* text parts whose words are taken */
    PARTS_NAMED = 50,           /* parts whose type is taken */
    AROUND_BYTES = 2048,        /* of a preamble or epilogue */
    NAME_BYTES = 256,
    INNER_BYTES = 1024, /* of an inner message's From or Subject */
    FEW_BYTES = 100,    /* so little text and an image: the image is the message */
};

struct body {
    struct tokens *t;
    size_t left;     /* of TOKENS_BODY_BYTES: text that is seen */
    size_t raw_left; /* of MESSAGE_BYTES */
    int read, named;
    int html_notes;
    bool many; /* said already */
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

static void add_words(struct body *b, const char *prefix, const struct bytes *text)
{
    if (text->len == 0 || b->left == 0)
        return;
    const size_t cut = utf8_cut((const char *)text->data, text->len, b->left);
    tokens_gap(b->t);
    tokens_add_text(b->t, prefix, (const char *)text->data, cut);
    b->left -= cut;
}

static void add_html_notes(struct body *b, int notes)
{
    static const char *const names[HTML_NOTES] = {
        "hidden-colour", "hidden-size", "hidden-display", "invisible",  "comment-in-word", "form",
        "script",        "iframe",      "refresh",        "image",      "tiny-image",      "link-mismatch"};
    const int fresh = notes & ~b->html_notes;
    for (size_t i = 0; fresh && i < HTML_NOTES; i++)
        if (fresh & 1 << i)
            tokens_adds(b->t, "s:html:", names[i]);
    b->html_notes |= notes;
}

static void add_html(struct body *b, const struct bytes *utf8)
{
    struct html h = {0};
    html_read(&h, (const char *)utf8->data, utf8->len);
    add_words(b, "", &h.text);
    add_words(b, "x:", &h.hidden);
    if (h.urls.len > 0) {
        tokens_gap(b->t);
        tokens_add_urls(b->t, (char *)h.urls.data, h.urls.len);
    }
    add_html_notes(b, h.notes);
    if (h.notes & HTML_NOTE_IMAGE && h.text.len < FEW_BYTES)
        tokens_adds(b->t, "s:html:", "image-only");
    html_free(&h);
}

/* Decoded text of a part, or of who knows what. */
static void add_text(struct body *b, const void *data, size_t len, const struct message_part *part)
{
    struct bytes utf8 = {0};
    const char *charset = part ? part->charset : NULL;
    len = MIN(len, MIN((size_t)PART_BYTES, b->raw_left));
    if (len == 0)
        return;
    const bool html = part ? strcmp(part->type, "text/html") == 0 : memmem(data, len, "</", 2) != NULL;
    b->raw_left -= len;
    if (!charset_to_utf8(&utf8, data, len, charset))
        tokens_adds(b->t, "s:", "false-charset");
    if (utf8.len > 0 && (html || html_is((const char *)utf8.data, utf8.len)))
        add_html(b, &utf8);
    else
        add_words(b, "", &utf8);
    bytes_free(&utf8);
}

static void add_loosely(struct body *b, const char *data, size_t len, const struct message_part *part)
{
    struct bytes text = {0};
    decode_loosely(&text, data, len, MIN((size_t)PART_BYTES, b->raw_left));
    add_text(b, text.data, text.len, part);
    bytes_free(&text);
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
    rfc2047_decode(&utf8, value, MIN(strlen(value), INNER_BYTES));
    tokens_gap(t);
    tokens_add_text(t, prefix, utf8.data ? (char *)utf8.data : "", utf8.len);
    bytes_free(&utf8);
}

/* What readers do not show, but for broken structure, where it is all they have. */
static void add_around(struct body *b, const char *text, bool broken)
{
    if (!text)
        return;
    const size_t len = strlen(text);
    if (broken) {
        add_loosely(b, text, len, NULL);
        return;
    }
    struct bytes utf8 = {0};
    charset_to_utf8(&utf8, text, MIN(len, AROUND_BYTES), NULL);
    if (!strstr((char *)utf8.data ? (char *)utf8.data : "", "in MIME format"))
        add_words(b, "x:", &utf8);
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

/* A part's header lines: two of a kind, and what is no header, which GMime drops. */
static void add_part_head(struct body *b, const struct message_part *part)
{
    int types = 0;
    const char *end = part->head + part->head_len;
    for (const char *p = part->head, *next; p < end; p = next) {
        next = memchr(p, '\n', (size_t)(end - p));
        next = next ? next + 1 : end;
        const size_t len = (size_t)(next - p);
        types += len > 13 && g_ascii_strncasecmp(p, "Content-Type:", 13) == 0;
        if (*p > ' ' && !memchr(p, ':', len) && len > 4) {
            tokens_adds(b->t, "s:mime:", "text-in-head");
            add_loosely(b, p, len, NULL);
        }
    }
    if (types > 1)
        tokens_adds(b->t, "s:mime:", "two-types");
}

/* Text by its type, or what a click shows as text whatever its type says. */
static bool is_readable(const struct message_part *part)
{
    static const char *const names[] = {".htm", ".html", ".shtml", ".xhtml", ".txt", ".svg"};
    if (strncmp(part->type, "text/", 5) == 0)
        return true;
    if (part->name) {
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
            if (g_str_has_suffix(part->name, names[i]))
                return true;
        return false;
    }
    static const char *const binary[] = {"image/", "audio/", "video/", "font/", "application/p"};
    for (size_t i = 0; i < G_N_ELEMENTS(binary); i++)
        if (g_str_has_prefix(part->type, binary[i]))
            return false;
    return !part->attachment && part->len > 0 && decode_is_text(part->data, part->len);
}

static bool is_wide(const char *charset)
{
    return charset && (g_ascii_strncasecmp(charset, "utf-16", 6) == 0 ||
                       g_ascii_strncasecmp(charset, "utf-32", 6) == 0);
}

/* The words of a leaf, however its encoding was declared. */
static void read_leaf(struct body *b, const struct message_part *part)
{
    const size_t limit = MIN((size_t)PART_BYTES, b->raw_left);
    struct bytes decoded = {0};
    if (part->encoding == DECODE_UNKNOWN) {
        add_loosely(b, part->raw, part->raw_len, part);
    } else if (part->encoding == DECODE_IDENTITY && decode_is_base64(part->raw, part->raw_len)) {
        tokens_adds(b->t, "s:mime:", "undeclared-base64");
        add_loosely(b, part->raw, part->raw_len, part);
    } else if (decode_is_text(part->data, part->len) || is_wide(part->charset)) {
        if (part->len < part->raw_len && part->len == PART_OTHER_BYTES) { /* not text by its type */
            if (part->encoding == DECODE_BASE64)
                decode_base64(&decoded, part->raw, part->raw_len, limit);
            else
                decode_qp(&decoded, part->raw, part->raw_len, limit);
            add_text(b, decoded.data, decoded.len, part);
        } else {
            add_text(b, part->data, part->len, part);
        }
    } else if (part->encoding == DECODE_BASE64 && decode_is_text(part->raw, part->raw_len) &&
               memchr(part->raw, ' ', MIN(part->raw_len, 200))) {
        tokens_adds(b->t, "s:mime:", "false-base64");
        add_text(b, part->raw, part->raw_len, part);
    } else {
        tokens_adds(b->t, "s:text:", "binary");
    }
    bytes_free(&decoded);
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

static void take_part(const struct message_part *part, void *arg)
{
    struct body *b = arg;
    if (limits_time_is_up())
        return;
    if (b->named++ < PARTS_NAMED)
        name_part(b, part);
    if (part->kind == PART_MESSAGE && b->named <= PARTS_NAMED) {
        add_inner_header(b->t, "m:from:", part->from);
        add_inner_header(b->t, "m:subject:", part->subject);
    }
    if (part->kind == PART_MULTIPART && b->named <= PARTS_NAMED) {
        const bool broken = part->defects & (PART_NO_BOUNDARY | PART_NO_PARTS);
        add_around(b, part->before, broken);
        add_around(b, part->after, broken);
    }
    if (part->kind != PART_LEAF || !part->data || b->left == 0 || b->read >= PARTS_READ)
        return;
    if (part->depth > 0 && part->head_len > 0)
        add_part_head(b, part);
    if (is_readable(part)) {
        b->read++;
        read_leaf(b, part);
    }
}

static int count_headers(const struct message *m, const char *name)
{
    int n = 0;
    for (size_t i = 0; i < m->header_count; i++)
        n += header_is(&m->headers[i], name);
    return n;
}

/* What a sender who means well does not do. True if readers may differ in what they show. */
static bool add_message_defects(struct tokens *t, const struct message *m)
{
    static const char *const once[] = {"Content-Type", "Content-Transfer-Encoding", "From", "To",
                                       "Subject", "Date", "Message-ID", "MIME-Version", "Reply-To"};
    bool differ = false;
    for (size_t i = 0; i < G_N_ELEMENTS(once); i++) {
        const int n = count_headers(m, once[i]);
        if (n > 1)
            tokens_add_ascii(t, "s:twice:", once[i], 40);
        differ = differ || (n > 1 && i < 2);
    }
    const struct header *last = m->header_count ? &m->headers[m->header_count - 1] : NULL;
    if (m->body_len > 0 && last && m->body == last->start + last->len)
        tokens_adds(t, "s:", "no-empty-line");
    if (memchr(m->body, 0, m->body_len))
        tokens_adds(t, "s:", "nul");
    return differ;
}

/* What GMime could not make sense of is read as it stands: spam hides in broken messages. */
void tokens_body(struct tokens *t, const struct message *m)
{
    struct body b = {.t = t, .left = TOKENS_BODY_BYTES, .raw_left = MESSAGE_BYTES};
    const bool differ = add_message_defects(t, m);
    const char *type = message_type(m);
    if (m->tree)
        message_each_part(m, take_part, &b);
    else
        tokens_adds(t, "s:", "unreadable");
    const bool cipher = strcmp(type, "multipart/encrypted") == 0;
    const bool nothing = b.left == TOKENS_BODY_BYTES && (!m->tree || b.named <= 1);
    if (m->body_len > 0 && !cipher && !limits_time_is_up() &&
        (differ || (nothing && (strncmp(type, "text/", 5) == 0 || strncmp(type, "multipart/", 10) == 0))))
        add_loosely(&b, m->body, m->body_len, NULL);
    if (b.named > PARTS_NAMED)
        tokens_adds(t, "s:", "many-parts");
}
