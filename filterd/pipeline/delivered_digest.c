/* Digests for the delivered-before memory. Called by pipeline.c and transaction_delivered.c. */
#include "filterd/pipeline/delivered_digest.h"

#include <glib.h>
#include <string.h>

#include "base/mail/header.h"
#include "filterd/keeper/delivered.h"

struct delivered_digest_key delivered_digest_key_of(const struct sitekey *key)
{
    struct delivered_digest_key k;
    sitekey_derive(key, "retries", "copies", k.bytes);
    return k;
}

/* Fields that the author wrote: the same at each attempt. All are covered: two messages that differ only in one
 * left out would count as the same. */
static bool is_the_authors(const struct header *h)
{
    static const char *const names[] = {"From",    "Sender", "Reply-To",   "To",
                                        "Cc",      "Date",   "Message-ID", "In-Reply-To",
                                        "Subject", "References"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (header_is(h, names[i]))
            return true;
    return header_is_structural(h);
}

struct delivered_digest_content delivered_digest_content_of(const struct delivered_digest_key *key,
                                                    const char *leg, const struct message *m)
{
    struct delivered_digest_content content = {.dated = message_header(m, "Date") ||
                                                    message_header(m, "Message-ID")};
    GArray *pieces = g_array_sized_new(FALSE, FALSE, sizeof(struct sitekey_piece), 24);
    const struct sitekey_piece where = {leg, strlen(leg)};
    g_array_append_val(pieces, where);
    for (size_t i = 0; i < m->header_count; i++) {
        const struct sitekey_piece field = {m->headers[i].start, m->headers[i].len};
        if (is_the_authors(&m->headers[i]))
            g_array_append_val(pieces, field);
    }
    const struct sitekey_piece body = {m->body, m->body_len};
    g_array_append_val(pieces, body);
    sitekey_digest(key->bytes, (const struct sitekey_piece *)(void *)pieces->data, pieces->len,
                   content.bytes);
    g_array_unref(pieces);
    return content;
}

void delivered_digest_copy(const struct delivered_digest_key *key, const struct delivered_digest_content *content,
                       const char *sender, const char *recipient, unsigned char *out)
{
    unsigned char whole[32];
    const struct sitekey_piece pieces[] = {{content->bytes, sizeof content->bytes},
                                           {sender, strlen(sender)},
                                           {recipient, strlen(recipient)}};
    sitekey_digest(key->bytes, pieces, G_N_ELEMENTS(pieces), whole);
    memcpy(out, whole, DELIVERED_DIGEST_BYTES);
}
