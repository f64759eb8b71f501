/* Applies the site's [anonymize] table to a message's fields. Called by pipeline.c before copies are made. */
#include "filterd/pipeline/headers_anonymize.h"

#include <stdbool.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/log.h"
#include "base/mail/header.h"
#include "rules/anonymize.h"

/* For all fields of a message together: bounds slow patterns over thousands of fields. */
#define BUDGET_US (5 * G_USEC_PER_SEC)

/* How many fields of the same name stand above it. */
static size_t place_of(GHashTable *seen, const struct header *h)
{
    char *name = g_ascii_strdown(h->name, (gssize)h->name_len);
    const size_t place = GPOINTER_TO_SIZE(g_hash_table_lookup(seen, name));
    g_hash_table_insert(seen, name, GSIZE_TO_POINTER(place + 1));
    return place;
}

/* text is one whole field with its CRLF and must outlive m. */
static void point_to(struct header *h, const char *text)
{
    h->start = h->name = text;
    h->len = strlen(text);
    h->name_len = strcspn(text, ":");
    h->value = text + h->name_len + 1;
    h->value_len = h->len - h->name_len - 1 - strlen("\r\n");
}

/* Takes text (g_free) as the field's replacement. A field that became Content-* would describe the body, inside
 * the ciphertext and outside it: drop it. */
static void take_text(struct header *h, char *text, GPtrArray *texts)
{
    char *whole = g_strconcat(text, "\r\n", NULL);
    point_to(h, whole);
    g_ptr_array_add(texts, whole);
    g_free(text);
    if (!header_starts(h, "Content-"))
        return;
    log_warn("anonymize: a field must not become %.*s: dropped", (int)MIN(h->name_len, 40), h->name);
    point_to(h, "X-Dropped:\r\n");
    h->dropped = true;
}

static void anonymize_one(struct anonymize *a, struct header *h, size_t place, GPtrArray *texts)
{
    char *text = NULL;
    size_t len = h->len;
    while (len && (h->start[len - 1] == '\n' || h->start[len - 1] == '\r'))
        len--;
    switch (anonymize_field(a, h->start, len, place, &text)) {
    case ANONYMIZE_KEEP:
        break;
    case ANONYMIZE_DROP:
        h->dropped = true;
        break;
    case ANONYMIZE_REPLACE:
        take_text(h, text, texts);
        break;
    }
}

bool headers_anonymize(const struct context *ctx, const struct listener *listener, struct message *m,
                       GPtrArray *texts)
{
    const enum role role = listener ? listener->role : ROLE_INBOUND;
    const gint64 end = g_get_monotonic_time() + BUDGET_US;
    bool done = !ctx->no_anonymize[role];
    if (!done)
        log_warn("the [anonymize] table could not be read: tempfailed");
    GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; done && ctx->anonymize[role] && i < m->header_count; i++) {
        struct header *h = &m->headers[i];
        const size_t place = place_of(seen, h);
        if (h->dropped || header_starts(h, "Content-"))
            continue;
        if (g_get_monotonic_time() > end) {
            log_warn("anonymize: out of time after %zu of %zu fields: tempfailed", i, m->header_count);
            done = false;
        } else {
            anonymize_one(ctx->anonymize[role], h, place, texts);
        }
    }
    g_hash_table_unref(seen);
    return done;
}
