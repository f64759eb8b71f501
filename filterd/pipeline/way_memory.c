#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/mail/envelope.h"
#include "filterd/keeper/retries.h"
#include "filterd/pipeline/retry_digest.h"
#include "filterd/pipeline/service.h"
#include "filterd/pipeline/way.h"

static bool remembers(const struct way *w)
{
    return w->arrival->served && w->content.dated;
}

void way_memory_note(struct way *w, const struct turn *t)
{
    if (!remembers(w))
        return;
    if (!t->served)
        service_retry_served(w->service, t->digest);
    g_byte_array_append(w->arrival->served, t->digest, sizeof t->digest);
}

void way_memory_recall(struct way *w)
{
    const struct envelope *e = w->arrival->envelope;
    const guint n = e->recipients->len;
    if (!remembers(w))
        return;
    unsigned char *digests = g_malloc(n * RETRIES_DIGEST_BYTES), *known = g_malloc0(n);
    for (guint i = 0; i < n; i++) {
        struct turn *t = &w->turns[i];
        retry_digest_copy(&w->service->retry_key, &w->content, e->sender ? e->sender : "",
                          t->recipient->address, t->digest);
        memcpy(digests + i * RETRIES_DIGEST_BYTES, t->digest, RETRIES_DIGEST_BYTES);
    }
    service_retry_known(w->service, digests, n, known);
    for (guint i = 0; i < n; i++)
        w->turns[i].served = known[i];
    g_free(digests);
    g_free(known);
}
