/* The input is a message: fields, parts, decoded headers and tokens are made without reading outside of
 * it, and lie within it. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "base/mail/message_part.h"
#include "base/mail/packed.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"

static void see_part(const struct message_part *part, void *arg)
{
    size_t *sum = arg;
    for (size_t i = 0; i < part->len && part->data; i++)
        *sum += part->data[i];
}

static void see_token(const char *token, void *arg)
{
    size_t *count = arg;
    if (!*token)
        abort();
    ++*count;
}

static void read_message(const char *raw, size_t len)
{
    size_t sum = 0, count = 0;
    struct message *m = message_new(raw, len);
    if (m->body < raw || m->body + m->body_len != raw + len ||
        m->header_count > limits_get()->header_count)
        abort();
    for (size_t i = 0; i < m->header_count; i++) {
        const struct header *h = &m->headers[i];
        if (h->start < raw || h->start + h->len > m->body || h->value + h->value_len > m->body)
            abort();
        g_free(header_text(h, m->met));
    }
    message_each_part(m, see_part, &sum);
    struct tokens *tokens = tokens_new(m);
    tokens_each(tokens, see_token, &count);
    tokens_free(&tokens);
    message_free(&m);
}

/* What filterctl train makes of a file. */
static void read_file(const char *data, size_t len)
{
    g_autofree char *exact = g_memdup2(data, len);
    size_t inner = 0;
    (void)packed_form(exact, len);
    const char *message = len ? packed_sdbox(exact, len, &inner) : NULL;
    if (message && (message < exact || inner > len - (size_t)(message - exact)))
        abort();
    (void)packed_is_mail(exact ? exact : "", len);
}

/* Limits that any input can reach. */
static const struct limits small = {.header_bytes = 300, .header_count = 4, .address_bytes = 40,
                                    .line_bytes = 50, .parts = 5, .nesting = 3, .encoded_words = 2,
                                    .tokens = 20, .uris = 1, .signatures = 1};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    g_autofree char *raw = g_malloc(len + 1); /* no byte more than it has may be read: ASan watches the last */
    memcpy(raw, data, len);
    raw[len] = 0;
    read_file(data ? (const char *)data : "", len);
    limits_set(&limits_default);
    read_message(raw, len);
    limits_set(&small);
    read_message(raw, len);
    return 0;
}
