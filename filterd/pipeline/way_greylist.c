#include <glib.h>
#include <math.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/mail/envelope.h"
#include "base/network.h"
#include "base/result.h"
#include "filterd/keeper/greylist.h"
#include "filterd/keeper/greylisting.h"
#include "filterd/pipeline/arrival.h"
#include "filterd/pipeline/recipient.h"
#include "filterd/pipeline/report.h"
#include "filterd/pipeline/service.h"
#include "filterd/pipeline/verdict.h"
#include "filterd/pipeline/verdict_basis.h"
#include "filterd/pipeline/way.h"
#include "rules/auth/spf.h"
#include "rules/evidence.h"

/* Our own people are not asked, whatever they send; nor is who waits no more. */
static bool may_be_asked(const struct way *w)
{
    const struct settings *s = w->service->settings;
    const char *client = w->arrival->envelope->client_addr;
    return s->greylist && w->arrival->client_waits && client &&
           !network_contains(s->trusted_networks, client);
}

static bool is_doubtful(const struct way *w, const struct verdict *v)
{
    const struct evidence *ev = w->arrival->evidence;
    const double p = w->service->settings->unsure_threshold;
    return v->judged && v->word == VERDICT_BY_SCORE &&
           greylisting_wanted(evidence_hits(ev), evidence_spf(ev)->code, v->score - log(p / (1 - p)));
}

/* Every triplet is begun, so that one wait does for all. The domain that SPF proves comes first, as
 * for the policy service: who has waited there has waited. */
static bool any_is_new(const struct way *w)
{
    const struct envelope *e = w->arrival->envelope;
    const struct spf_result *spf = evidence_spf(w->arrival->evidence);
    const char *proved = spf->code == SPF_CODE_PASS ? spf->domain
                                                    : evidence_proved_domain(w->arrival->evidence);
    bool wait = false;
    for (guint i = 0; i < e->recipients->len; i++) {
        const struct recipient *r = e->recipients->pdata[i];
        struct greylist_triplet t = {e->client_addr, proved, e->sender, r->address};
        wait |= service_greylist(w->service, &t) > 0;
        for (size_t k = 0; r->others && r->others[k]; k++) {
            t.recipient = r->others[k];
            wait |= service_greylist(w->service, &t) > 0;
        }
    }
    return wait;
}

/* The first who is judged. */
static struct turn *first_judged(const struct way *w)
{
    const guint n = w->arrival->envelope->recipients->len;
    for (guint i = 0; i < n; i++)
        if (w->turns[i].treatment.handling != HANDLE_FOREIGN)
            return &w->turns[i];
    return NULL;
}

bool way_greylist_asks(struct way *w, struct outcome *outcomes)
{
    const struct arrival *a = w->arrival;
    struct turn *first = w->tokens && may_be_asked(w) ? first_judged(w) : NULL;
    if (!first || !is_doubtful(w, way_verdict(w, first)) || !any_is_new(w))
        return false;
    for (guint i = 0; i < a->envelope->recipients->len; i++) {
        struct report report = report_start(a->envelope, w->turns[i].recipient, a->raw->len);
        outcomes[i] = outcome_of(REASON_GREYLISTED);
        report_verdict(&report, first->verdict, NULL, a->evidence);
        report_end(&report, &outcomes[i]);
    }
    return true;
}
