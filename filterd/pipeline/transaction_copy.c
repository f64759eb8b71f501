/* Makes a recipient's copy: filterd's header lines on top, the rest sealed or passed on. Called by pipeline.c
 * and transaction_handoff.c. */
#include <glib.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "classifier/classifier.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/pipeline/handoff.h"
#include "filterd/pipeline/headers.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/transaction.h"
#include "filterd/pipeline/verdict.h"
#include "gpg/outside.h"
#include "gpg/seal.h"
#include "rules/evidence.h"

static struct sealed *seal(struct transaction *tx, const struct recipient *r, const struct outside *outside)
{
    g_autofree char *error = NULL;
    struct sealed *sealed = seal_message(tx->context->sealer, tx->message, outside, r->users, &error);
    if (!sealed)
        log_warn("sealing failed, tempfailed: %s", error ? error : "no reason given");
    return sealed;
}

/* A form that policy does not name makes no copy. */
static struct sealed *make(struct transaction *tx, const struct recipient *r, enum policy_form form,
                           const struct outside *outside)
{
    switch (form) {
    case POLICY_FORM_SEALED:
        return seal(tx, r, outside);
    case POLICY_FORM_ENCRYPTED:
    case POLICY_FORM_OTHERS:
        return seal_pass(tx->message, outside, PASS_ALREADY_ENCRYPTED);
    case POLICY_FORM_NO_KEY:
    case POLICY_FORM_EXEMPT:
        return seal_pass(tx->message, outside, PASS_NO_KEY);
    case POLICY_FORM_FOREIGN:
        return seal_pass(tx->message, outside, PASS_NOT_OURS);
    default:
        return NULL;
    }
}

/* Adds the proof that lets another leg of filterd keep our verdict when the MTA sends the copy back. */
static void hand_off(struct transaction *tx, const struct recipient_state *to, const struct handoff_copy *how,
                     struct sealed *sealed)
{
    const struct envelope *e = tx->received->envelope;
    struct handoff_copy copy = *how;
    copy.copy = sealed_bytes(sealed);
    copy.users = to->judges;
    copy.sender = e->sender;
    copy.local = (e->listener && e->listener->role == ROLE_SUBMISSION) ||
                 (e->client_source && !g_ascii_strcasecmp(e->client_source, "LOCAL"));
    g_autofree char *field = handoff_field(&tx->context->key, &copy);
    if (field)
        sealed_prepend(sealed, field);
    else
        log_info("to=<%s> no X-Filterd-Proof for %u users: what Postfix sends back is judged anew",
                 to->recipient->address, to->judges->len);
}

struct sealed *transaction_copy_under(struct transaction *tx, const struct recipient_state *to,
                                      enum policy_form form, const struct outside *outside)
{
    struct sealed *sealed = make(tx, to->recipient, form, outside);
    if (sealed && to->disposition.handling != POLICY_HANDLE_FOREIGN && next_hop_is_mta(tx->hop))
        hand_off(tx, to, &(struct handoff_copy){.added = &outside->added, .sealed = form == POLICY_FORM_SEALED},
                 sealed);
    return sealed;
}

static const char *mark_of(enum policy_form form)
{
    return form == POLICY_FORM_ENCRYPTED || form == POLICY_FORM_OTHERS ? "already" : form == POLICY_FORM_SEALED ? "yes" : "no";
}

struct sealed *transaction_copy(struct transaction *tx, const struct recipient_state *to, enum policy_form form,
                                const struct verdict *v)
{
    const struct settings *s = tx->context->settings;
    struct outside outside = {0};
    /* What leaves our domains carries nothing of ours. */
    if (to->disposition.handling != POLICY_HANDLE_FOREIGN) {
        headers_ours(&outside.added, s, v, tx->message->met, mark_of(form));
        evidence_header_lines(tx->received->evidence, &outside.added);
    }
    if (s->subject_tag && v->judged && v->class == JUDGE_SPAM)
        headers_tag_subject(&outside, tx->message, s->subject_tag);
    struct sealed *sealed = transaction_copy_under(tx, to, form, &outside);
    outside_clear(&outside);
    return sealed;
}
