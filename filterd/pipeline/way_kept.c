#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/pipeline/proof.h"
#include "filterd/pipeline/recipient.h"
#include "filterd/pipeline/report.h"
#include "filterd/pipeline/way.h"
#include "gpg/seal.h"

static bool holds_for(const struct way *w, const struct recipient *r)
{
    if (!w->proof)
        return false;
    GPtrArray *users = recipient_judges(w->service, r);
    const bool holds = proof_holds(w->proof, users);
    g_ptr_array_unref(users);
    return holds;
}

bool way_kept_for_all(const struct way *w)
{
    const GPtrArray *recipients = w->arrival->envelope->recipients;
    bool all = w->proof != NULL;
    for (guint i = 0; all && i < recipients->len; i++)
        all = holds_for(w, recipients->pdata[i]);
    return all;
}

bool way_kept_for(const struct way *w, const struct turn *t)
{
    if (!w->proof || t->treatment.handling == HANDLE_FOREIGN)
        return false;
    const bool holds = holds_for(w, t->recipient);
    if (!holds)
        log_info("to=<%s> X-Filterd-Proof is another's, forged or of a message since changed: "
                 "judged anew", t->recipient->address);
    return holds;
}

struct outcome way_kept_deliver(struct way *w, struct turn *t, struct report *report)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct bytes added = {0};
    const bool now = !w->encrypted && t->treatment.handling == HANDLE_SEAL;
    proof_lines(w->proof, now ? "yes" : NULL, &added);
    proof_hide(w->proof, true);
    report_kept(report, t->treatment.fingerprint);
    struct sealed *sealed = way_copy_under(w, t->recipient, t->treatment.handling, &added);
    if (sealed) {
        report->sealed = sealed_mark(sealed);
        o = way_hand_on(w, t->recipient, sealed);
    }
    if (o.result == RES_OK)
        way_memory_note(w, t);
    sealed_free(&sealed);
    proof_hide(w->proof, false);
    bytes_free(&added);
    return o;
}
