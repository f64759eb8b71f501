#include "base/message_tree.h"

#include <gmime/gmime.h>
#include <string.h>

#include "base/bytes.h"

#define DEPTH_MAX 100

struct message_tree {
    GByteArray *bytes; /* its data is lent */
    struct bytes copy; /* what bytes lends where the received bytes would not do */
    GMimeMessage *message;
    char *type;
};

struct walk {
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

/* The array borrows: GLib must never free or move what it points at. */
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

static GMimeMessage *parse(GByteArray *bytes)
{
    init_once();
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner((GMimeStreamMem *)stream, FALSE);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_object_unref(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    if (message && !g_mime_message_get_mime_part(message))
        g_clear_object(&message);
    return message;
}

struct message_tree *message_tree_new(const char *raw, size_t len, size_t missing_at)
{
    if (len > G_MAXUINT - 2)
        return NULL;
    struct message_tree *t = g_new0(struct message_tree, 1);
    t->bytes = g_byte_array_new();
    if (missing_at) {
        bytes_reserve(&t->copy, len + 2);
        bytes_add(&t->copy, raw, missing_at);
        bytes_adds(&t->copy, "\r\n");
        bytes_add(&t->copy, raw + missing_at, len - missing_at);
        raw = (const char *)t->copy.data;
        len = t->copy.len;
    }
    t->bytes->data = (guint8 *)raw;
    t->bytes->len = (guint)len;
    t->message = parse(t->bytes);
    if (t->message)
        t->type = type_of(g_mime_message_get_mime_part(t->message));
    else
        message_tree_free(&t);
    return t;
}

void message_tree_free(struct message_tree **t)
{
    if (!*t)
        return;
    g_clear_object(&(*t)->message);
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
    return g_mime_object_get_content_type_parameter(g_mime_message_get_mime_part(t->message), name);
}

static void call(const struct walk *w, const struct message_part *part)
{
    w->fn(part, w->arg);
}

static void leaf(const struct walk *w, GMimePart *object, struct message_part *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(object);
    GByteArray *decoded = g_byte_array_new();
    if (content) {
        /* As large as the encoded form at most: growing would leave copies behind unwiped. */
        GMimeStream *source = g_mime_data_wrapper_get_stream(content);
        gint64 most = source ? g_mime_stream_length(source) : 0;
        if (most > 0 && most < G_MAXUINT / 2) {
            g_byte_array_set_size(decoded, (guint)most + 64);
            g_byte_array_set_size(decoded, 0);
        }
        GMimeStream *out = g_mime_stream_mem_new_with_byte_array(decoded);
        g_mime_stream_mem_set_owner((GMimeStreamMem *)out, FALSE);
        g_mime_data_wrapper_write_to_stream(content, out);
        g_object_unref(out);
    }
    part->kind = PART_LEAF;
    part->data = decoded->len ? decoded->data : (const unsigned char *)"";
    part->len = decoded->len;
    part->charset = g_mime_object_get_content_type_parameter((GMimeObject *)object, "charset");
    part->name = g_mime_part_get_filename(object);
    call(w, part);
    if (decoded->len)
        explicit_bzero(decoded->data, decoded->len);
    g_byte_array_free(decoded, TRUE);
}

static void visit(const struct walk *w, GMimeObject *object, int depth)
{
    char *type = type_of(object);
    struct message_part part = {.depth = depth, .type = type};
    const char *disposition = g_mime_object_get_disposition(object);
    part.attachment = disposition && g_ascii_strcasecmp(disposition, "attachment") == 0;
    if (GMIME_IS_MULTIPART(object)) {
        part.kind = PART_MULTIPART;
        call(w, &part);
        int count = g_mime_multipart_get_count((GMimeMultipart *)object);
        for (int i = 0; i < count && depth < DEPTH_MAX; i++)
            visit(w, g_mime_multipart_get_part((GMimeMultipart *)object, i), depth + 1);
    } else if (GMIME_IS_MESSAGE_PART(object)) {
        GMimeMessage *inner = g_mime_message_part_get_message((GMimeMessagePart *)object);
        GMimeObject *root = inner ? g_mime_message_get_mime_part(inner) : NULL;
        part.kind = PART_MESSAGE;
        call(w, &part);
        if (root && depth < DEPTH_MAX)
            visit(w, root, depth + 1);
    } else if (GMIME_IS_PART(object)) {
        leaf(w, (GMimePart *)object, &part);
    }
    g_free(type);
}

void message_tree_each(const struct message_tree *t,
                       void (*fn)(const struct message_part *, void *), void *arg)
{
    struct walk w = {fn, arg};
    visit(&w, g_mime_message_get_mime_part(t->message), 0);
}

char *message_tree_decode(const char *text)
{
    init_once();
    return g_mime_utils_header_decode_text(NULL, text);
}
