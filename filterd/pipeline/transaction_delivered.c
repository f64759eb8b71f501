/* Which copies went through in an earlier attempt. Called by pipeline.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/mail/envelope.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/keeper/retries.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/retry_digest.h"
#include "filterd/pipeline/service.h"
#include "filterd/pipeline/transaction.h"

static bool remembers(const struct transaction *tx)
{
    return tx->received->served && tx->content.dated;
}

void transaction_delivered_note(struct transaction *tx, const struct recipient_state *st)
{
    if (!remembers(tx))
        return;
    if (!st->delivered_before)
        keeper_client_retry_served(tx->service->keeper, st->digest);
    g_byte_array_append(tx->received->served, st->digest, sizeof st->digest);
}

void transaction_delivered_recall(struct transaction *tx)
{
    const struct envelope *e = tx->received->envelope;
    const guint n = e->recipients->len;
    if (!remembers(tx))
        return;
    g_autofree unsigned char *digests = g_malloc(n * RETRIES_DIGEST_BYTES), *known = g_malloc0(n);
    for (guint i = 0; i < n; i++) {
        struct recipient_state *st = &tx->states[i];
        retry_digest_copy(&tx->service->retry_key, &tx->content, e->sender ? e->sender : "",
                          st->recipient->address, st->digest);
        memcpy(digests + i * RETRIES_DIGEST_BYTES, st->digest, RETRIES_DIGEST_BYTES);
    }
    keeper_client_retry_known(tx->service->keeper, digests, n, known);
    for (guint i = 0; i < n; i++)
        tx->states[i].delivered_before = known[i];
}
