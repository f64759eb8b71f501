/* A message: headers split by header.c, parts parsed by GMime. Called by the pipeline, the learn sessions and
 * filterctl. */
#include "base/mail/message.h"

#include <glib.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/mail/prescan.h"
#include "base/mail/message_tree.h"

static bool starts_with(const char *p, const char *end, const char *prefix)
{
    size_t len = strlen(prefix);
    return (size_t)(end - p) >= len && memcmp(p, prefix, len) == 0;
}

/* Replaces NULL by "", as pointers into the message are computed from it. */
static const char *somewhere(const char *raw)
{
    return raw ? raw : "";
}

struct header *message_scan_headers(const char *raw, size_t len, struct limits_met *met, size_t *count_r)
{
    const char *end;
    return header_scan(somewhere(raw), len, met, count_r, &end);
}

/* Parses as much of the message as GMime may see. */
static struct message_tree *tree_of(const struct message *m)
{
    struct header_block all = {m->headers, m->header_count, m->body, m->body_len};
    size_t seen;
    if (!m->header_count || !prescan_body(&all, m->met, &seen))
        return NULL;
    all.body_len = seen;
    return message_tree_new(&all, m->met);
}

static struct message *begin(const char *raw, size_t len)
{
    struct message *m = g_new0(struct message, 1);
    m->met = g_new0(struct limits_met, 1);
    limits_begin(m->met);
    m->raw = somewhere(raw);
    m->len = len;
    return m;
}

/* Splits off the body, which begins here or after an empty line. */
static void finish(struct message *m, const char *body)
{
    const char *end = m->raw + m->len;
    if (starts_with(body, end, "\r\n"))
        body += 2;
    else if (starts_with(body, end, "\n"))
        body++;
    m->body = body;
    m->body_len = (size_t)(end - body);
    m->tree = tree_of(m);
}

struct message *message_new(const char *raw, size_t len)
{
    struct message *m = begin(raw, len);
    const char *body;
    m->headers = header_scan(m->raw, len, m->met, &m->header_count, &body);
    finish(m, body);
    return m;
}

struct message *message_new_roomy(const char *raw, size_t len)
{
    struct message *m = begin(raw, len);
    const char *body;
    m->headers = header_scan_roomy(m->raw, len, &m->header_count, &body);
    finish(m, body);
    return m;
}

void message_free(struct message **m)
{
    if (!*m)
        return;
    message_tree_free(&(*m)->tree);
    g_free((*m)->headers);
    g_free((*m)->met);
    g_clear_pointer(m, g_free);
}

const struct header *message_header(const struct message *m, const char *name)
{
    for (size_t i = 0; i < m->header_count; i++)
        if (header_is(&m->headers[i], name))
            return &m->headers[i];
    return NULL;
}

const char *message_type(const struct message *m)
{
    return m->tree ? message_tree_type(m->tree) : "text/plain";
}

const char *message_type_param(const struct message *m, const char *name)
{
    return m->tree ? message_tree_param(m->tree, name) : NULL;
}

void message_each_part(const struct message *m, void (*fn)(const struct message_part *, void *),
                       void *arg)
{
    if (m->tree) {
        message_tree_each(m->tree, fn, arg);
        return;
    }
    const struct message_part whole = {.kind = PART_LEAF,
                                       .type = "text/plain",
                                       .data = (const unsigned char *)m->body,
                                       .len = m->body_len,
                                       .raw = m->body,
                                       .raw_len = m->body_len};
    fn(&whole, arg);
}
