/* Called by pipeline.c before any recipient has a copy. */
#include <glib.h>
#include <math.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/mail/envelope.h"
#include "base/network.h"
#include "base/result.h"
#include "filterd/keeper/greylist.h"
#include "filterd/keeper/greylisting.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/report.h"
#include "filterd/pipeline/transaction.h"
#include "filterd/pipeline/verdict.h"
#include "filterd/pipeline/verdict_basis.h"
#include "rules/auth/spf_result.h"
#include "rules/evidence.h"

/* Greylisting is for unknown clients that wait for a reply: never for trusted networks. */
static bool may_be_asked(const struct transaction *tx)
{
    const struct settings *s = tx->context->settings;
    const char *client = tx->received->envelope->client_addr;
    return s->greylist && tx->received->client_waits && client &&
           !network_contains(s->trusted_networks, client);
}

static bool is_doubtful(const struct transaction *tx, const struct verdict *v)
{
    const struct evidence *ev = tx->received->evidence;
    const double p = tx->context->settings->unsure_threshold;
    return v->judged && v->word == VERDICT_BY_SCORE &&
           greylisting_wanted(evidence_hits(ev), evidence_spf(ev)->code, v->score - log(p / (1 - p)));
}

/* Starts the wait of every triplet, so that one retry serves all recipients. The SPF-authenticated domain comes
 * first, as in the policy service: a wait served there counts here. */
static bool any_is_new(const struct transaction *tx)
{
    const struct envelope *e = tx->received->envelope;
    const struct spf_result *spf = evidence_spf(tx->received->evidence);
    const char *proved = spf->code == SPF_CODE_PASS ? spf->domain
                                                    : evidence_proved_domain(tx->received->evidence);
    bool wait = false;
    for (guint i = 0; i < e->recipients->len; i++) {
        const struct recipient *r = e->recipients->pdata[i];
        struct greylist_triplet t = {e->client_addr, proved, e->sender, r->address};
        wait |= keeper_client_greylist(tx->context->keeper, &t) > 0;
        for (size_t k = 0; r->others && r->others[k]; k++) {
            t.recipient = r->others[k];
            wait |= keeper_client_greylist(tx->context->keeper, &t) > 0;
        }
    }
    return wait;
}

/* The first recipient that is judged. */
static struct recipient_state *first_judged(const struct transaction *tx)
{
    const guint n = tx->received->envelope->recipients->len;
    for (guint i = 0; i < n; i++)
        if (tx->states[i].disposition.handling != POLICY_HANDLE_FOREIGN)
            return &tx->states[i];
    return NULL;
}

bool transaction_greylist(struct transaction *tx, struct outcome *outcomes)
{
    const struct received *a = tx->received;
    struct recipient_state *first = tx->tokens && may_be_asked(tx) ? first_judged(tx) : NULL;
    if (!first || !is_doubtful(tx, transaction_verdict(tx, first)) || !any_is_new(tx))
        return false;
    for (guint i = 0; i < a->envelope->recipients->len; i++) {
        struct report report = report_start(a->envelope, tx->states[i].recipient, tx->message);
        outcomes[i] = outcome_of(REASON_GREYLISTED);
        report_verdict(&report, first->verdict, a->evidence);
        report_end(&report, &outcomes[i]);
    }
    return true;
}
