/* Asks the delivered-before memory which copies an earlier attempt delivered, and adds to it. Called by
 * pipeline.c and transaction_handoff.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/mail/envelope.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/keeper/delivered.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/delivered_digest.h"
#include "filterd/pipeline/context.h"
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
        keeper_client_delivered(tx->context->keeper, st->digest);
    g_byte_array_append(tx->received->served, st->digest, sizeof st->digest);
}

void transaction_delivered_recall(struct transaction *tx)
{
    const struct envelope *e = tx->received->envelope;
    const guint n = e->recipients->len;
    if (!remembers(tx))
        return;
    g_autofree unsigned char *digests = g_malloc(n * DELIVERED_DIGEST_BYTES), *known = g_malloc0(n);
    for (guint i = 0; i < n; i++) {
        struct recipient_state *st = &tx->states[i];
        delivered_digest_copy(&tx->context->delivered_key, &tx->content, e->sender ? e->sender : "",
                          st->recipient->address, st->digest);
        memcpy(digests + i * DELIVERED_DIGEST_BYTES, st->digest, DELIVERED_DIGEST_BYTES);
    }
    keeper_client_delivered_known(tx->context->keeper, digests, n, known);
    for (guint i = 0; i < n; i++)
        tx->states[i].delivered_before = known[i];
}
