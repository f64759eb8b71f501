/* The only user of GMime: parses a message as MIME and reports its parts. Called by message.c. */
#include "base/mail/message_tree.h"

#include <gmime/gmime.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/decode.h"

#define HEAD_MAX_BYTES 8192
#define CLOSE_MAX_BYTES 4096
#define COPY_MAX_BYTES (1024 * 1024)

struct message_tree {
    GByteArray *bytes; /* borrows its data from copy, or from the message */
    struct bytes copy; /* Content-* headers and body; empty if a large body (over COPY_MAX_BYTES) is lent */
    GMimeObject *root;
    char *type;
    struct limits_met *met; /* lent */
};

struct walk {
    const struct message_tree *tree;
    void (*fn)(const struct message_part *, void *);
    void *arg;
};

static void init_once(void)
{
    static bool done;
    if (!done)
        g_mime_init();
    done = true;
}

/* Empties the array before it is freed: its data is borrowed, and GLib must not free it. */
static void unborrow(GByteArray *bytes)
{
    bytes->data = NULL;
    bytes->len = 0;
    g_byte_array_free(bytes, FALSE);
}

static char *type_of(GMimeObject *object)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);
    char *text = type ? g_mime_content_type_get_mime_type(type) : g_strdup("text/plain");
    for (char *p = text; *p; p++)
        *p = g_ascii_tolower(*p);
    return text;
}

/* Parses a part, not a message: of a message GMime would parse every address, which costs more than all the
 * rest. */
static GMimeObject *parse(GByteArray *bytes)
{
    init_once();
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner((GMimeStreamMem *)stream, FALSE);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_object_unref(stream);
    GMimeObject *root = g_mime_parser_construct_part(parser, NULL);
    g_object_unref(parser);
    return root;
}

/* Gives GMime a copy that holds the structural headers only, as GMime makes three objects of each header. It
 * puts an empty line before the body, so that GMime agrees with header.c on where the body begins. */
static void make_copy(struct bytes *copy, const struct header_block *m)
{
    size_t len = m->body_len + 2;
    for (size_t i = 0; i < m->count; i++)
        len += header_is_structural(&m->headers[i]) ? m->headers[i].len + 2 : 0;
    bytes_reserve(copy, len);
    for (size_t i = 0; i < m->count; i++) {
        const struct header *h = &m->headers[i];
        if (!header_is_structural(h))
            continue;
        bytes_add(copy, h->start, h->len);
        if (h->start[h->len - 1] != '\n')
            bytes_adds(copy, "\r\n");
    }
    bytes_adds(copy, "\r\n");
    bytes_add(copy, m->body, m->body_len);
}

struct message_tree *message_tree_new(const struct header_block *m, struct limits_met *met)
{
    const size_t len = (size_t)(m->body + m->body_len - m->headers[0].start);
    if (len > G_MAXUINT / 2)
        return NULL;
    struct message_tree *t = g_new0(struct message_tree, 1);
    t->met = met;
    t->bytes = g_byte_array_new();
    const struct header *last = &m->headers[m->count - 1];
    const bool has_gap = m->body > last->start + last->len;
    if (m->body_len > COPY_MAX_BYTES && has_gap) {
        t->bytes->data = (guint8 *)m->headers[0].start;
        t->bytes->len = (guint)len;
    } else {
        make_copy(&t->copy, m);
        t->bytes->data = t->copy.data;
        t->bytes->len = (guint)t->copy.len;
    }
    t->root = parse(t->bytes);
    if (t->root)
        t->type = type_of(t->root);
    else
        message_tree_free(&t);
    return t;
}

void message_tree_free(struct message_tree **t)
{
    if (!*t)
        return;
    g_clear_object(&(*t)->root);
    unborrow((*t)->bytes);
    bytes_free(&(*t)->copy);
    g_free((*t)->type);
    g_clear_pointer(t, g_free);
}

const char *message_tree_type(const struct message_tree *t)
{
    return t->type;
}

const char *message_tree_param(const struct message_tree *t, const char *name)
{
    return g_mime_object_get_content_type_parameter(t->root, name);
}

static void call(const struct walk *w, const struct message_part *part)
{
    w->fn(part, w->arg);
}

/* Finds a leaf's undecoded bytes: GMime's streams are windows on what it was given. */
static void find_raw(const struct message_tree *t, GMimePart *object, struct message_part *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(object);
    GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
    part->raw = "";
    if (!stream || !GMIME_IS_STREAM_MEM(stream))
        return;
    GByteArray *bytes = g_mime_stream_mem_get_byte_array((GMimeStreamMem *)stream);
    const gint64 start = stream->bound_start;
    const gint64 end = stream->bound_end < 0 ? (gint64)bytes->len : stream->bound_end;
    if (bytes != t->bytes || start < 0 || start >= end || end > (gint64)bytes->len)
        return;
    part->raw = (const char *)bytes->data + start;
    part->raw_len = (size_t)(end - start);
}

/* Finds the header lines above a leaf's content, back to its boundary or to the enclosing header. */
static void find_head(const struct message_tree *t, struct message_part *part)
{
    const char *start = (const char *)t->bytes->data;
    if (part->raw_len == 0)
        return;
    const char *limit = part->raw - start > HEAD_MAX_BYTES ? part->raw - HEAD_MAX_BYTES : start;
    part->head = part->raw;
    while (part->head > limit) {
        const char *eol = memrchr(limit, '\n', (size_t)(part->head - 1 - limit));
        const char *line = eol ? eol + 1 : limit;
        const bool empty = *line == '\n' || (*line == '\r' && line + 2 == part->head);
        if ((empty && part->head < part->raw) || (line[0] == '-' && line[1] == '-'))
            break;
        part->head = line;
    }
    part->head_len = (size_t)(part->raw - part->head);
}

static void decode(struct bytes *out, struct message_part *part, size_t limit)
{
    bool clean = true;
    if (part->encoding == DECODE_BASE64)
        clean = decode_base64(out, part->raw, part->raw_len, limit);
    else if (part->encoding == DECODE_QP)
        decode_qp(out, part->raw, part->raw_len, limit);
    else
        part->len = MIN(part->raw_len, limit);
    part->defects |= clean ? 0 : PART_DIRTY_BASE64;
    part->data = (const unsigned char *)part->raw;
    if (part->encoding != DECODE_BASE64 && part->encoding != DECODE_QP)
        return;
    part->data = out->len ? out->data : (const unsigned char *)"";
    part->len = out->len;
}

static void leaf(const struct walk *w, GMimePart *object, struct message_part *part)
{
    GMimeObject *base = (GMimeObject *)object;
    struct bytes decoded = {0};
    bool odd;
    part->kind = PART_LEAF;
    part->encoding =
        decode_encoding_of(g_mime_object_get_header(base, "Content-Transfer-Encoding"), &odd);
    part->defects |= odd ? PART_ODD_ENCODING : 0;
    part->charset = g_mime_object_get_content_type_parameter(base, "charset");
    part->name = g_mime_part_get_filename(object);
    find_raw(w->tree, object, part);
    find_head(w->tree, part);
    const bool text = message_part_is_text(part);
    decode(&decoded, part, text ? PART_TEXT_BYTES : PART_OTHER_BYTES);
    /* The type does not say whether this is text, but the first bytes do. */
    if (!text && message_part_may_be_text(part) && part->len == PART_OTHER_BYTES &&
        decode_is_text(part->data, part->len)) {
        bytes_clear(&decoded);
        decode(&decoded, part, PART_TEXT_BYTES);
    }
    call(w, part);
    bytes_free(&decoded);
}

/* True if the message does not end with "--boundary--". Only the outermost multipart is tested: in a message
 * that was cut, the inner ones are open, too. */
static bool is_open(const struct walk *w, const struct message_part *part, const char *boundary)
{
    const size_t n = strlen(boundary);
    const char *end = (const char *)w->tree->bytes->data + w->tree->bytes->len;
    const char *p = end - MIN(w->tree->bytes->len, CLOSE_MAX_BYTES);
    while (part->depth == 0 && !part->after && (p = memmem(p, (size_t)(end - p), boundary, n))) {
        p += n;
        if (end - p >= 2 && p[0] == '-' && p[1] == '-')
            return false;
    }
    return part->depth == 0 && !part->after;
}

/* Checks the depth again: prescan.c may have misread the structure that GMime found. */
static bool goes_deeper(const struct walk *w, const struct message_part *part)
{
    const bool ok = part->depth < (int)limits_get()->nesting;
    if (!ok)
        limits_note(w->tree->met, LIMITS_NESTING);
    return ok;
}

static void visit(const struct walk *w, GMimeObject *object, int depth);

static void visit_multipart(const struct walk *w, GMimeMultipart *object, struct message_part *part)
{
    const char *boundary =
        g_mime_object_get_content_type_parameter((GMimeObject *)object, "boundary");
    const int count = g_mime_multipart_get_count(object);
    part->kind = PART_MULTIPART;
    part->before = g_mime_multipart_get_prologue(object);
    part->after = g_mime_multipart_get_epilogue(object);
    if (!boundary || !*boundary)
        part->defects = PART_NO_BOUNDARY;
    else if (count == 0)
        part->defects = PART_NO_PARTS;
    else if (is_open(w, part, boundary))
        part->defects = PART_NOT_CLOSED;
    call(w, part);
    for (int i = 0; i < count && goes_deeper(w, part); i++)
        visit(w, g_mime_multipart_get_part(object, i), part->depth + 1);
}

static const char *raw_header(GMimeMessage *message, const char *name)
{
    GMimeHeaderList *headers = g_mime_object_get_header_list((GMimeObject *)message);
    GMimeHeader *header = g_mime_header_list_get_header(headers, name);
    return header ? g_mime_header_get_raw_value(header) : NULL;
}

static void visit_message(const struct walk *w, GMimeMessagePart *object, struct message_part *part)
{
    GMimeMessage *inner = g_mime_message_part_get_message(object);
    GMimeObject *root = inner ? g_mime_message_get_mime_part(inner) : NULL;
    part->kind = PART_MESSAGE;
    part->from = inner ? raw_header(inner, "From") : NULL;
    part->subject = inner ? raw_header(inner, "Subject") : NULL;
    call(w, part);
    if (root && goes_deeper(w, part))
        visit(w, root, part->depth + 1);
}

static void visit(const struct walk *w, GMimeObject *object, int depth)
{
    g_autofree char *type = type_of(object);
    struct message_part part = {.depth = depth, .type = type};
    const char *disposition = g_mime_object_get_disposition(object);
    part.attachment = disposition && g_ascii_strcasecmp(disposition, "attachment") == 0;
    if (GMIME_IS_MULTIPART(object))
        visit_multipart(w, (GMimeMultipart *)object, &part);
    else if (GMIME_IS_MESSAGE_PART(object))
        visit_message(w, (GMimeMessagePart *)object, &part);
    else if (GMIME_IS_PART(object))
        leaf(w, (GMimePart *)object, &part);
}

void message_tree_each(const struct message_tree *t,
                       void (*fn)(const struct message_part *, void *), void *arg)
{
    const struct walk w = {.tree = t, .fn = fn, .arg = arg};
    visit(&w, t->root, 0);
}
