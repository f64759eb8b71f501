/* Asks the delivered-before memory which copies an earlier attempt delivered, and adds to it. Called by
 * pipeline.c and transaction_handoff.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/mail/envelope.h"
#include "classifier/classifier.h"
#include "filterd/keeper/delivered.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/delivered_attempt.h"
#include "filterd/pipeline/delivered_digest.h"
#include "filterd/pipeline/delivered_origins.h"
#include "filterd/pipeline/context.h"
#include "filterd/pipeline/transaction.h"
#include "filterd/pipeline/verdict.h"

/* Two messages without Date and Message-ID may have the same text: before the queue nothing tells them apart. */
static bool remembers(const struct transaction *tx)
{
    const struct delivered_attempt *attempt = tx->received->attempt;
    return attempt && attempt->origins.count && (tx->content.dated || attempt->origins.queue);
}

void transaction_delivered_origins(struct transaction *tx)
{
    struct delivered_attempt *attempt = tx->received->attempt;
    if (attempt)
        attempt->origins = delivered_origins_of(&tx->context->delivered_key, tx->received, tx->message,
                                                tx->context->settings->hostname);
}

void transaction_delivered_note(struct transaction *tx, const struct recipient_state *st)
{
    if (remembers(tx))
        delivered_attempt_add(tx->received->attempt, tx->context->keeper, st->digest,
                              st->verdict && st->verdict->judged && st->verdict->class == JUDGE_SPAM);
}

void transaction_delivered_recall(struct transaction *tx)
{
    struct delivered_attempt *attempt = tx->received->attempt;
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
    delivered_attempt_begin(attempt, tx->context->keeper, digests, n, known);
    for (guint i = 0; i < n; i++)
        tx->states[i].delivered_before = known[i];
}
