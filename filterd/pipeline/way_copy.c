#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "base/mail/header.h"
#include "classifier/classifier.h"
#include "filterd/delivery/hop.h"
#include "filterd/pipeline/headers.h"
#include "filterd/pipeline/proof.h"
#include "filterd/pipeline/recipient.h"
#include "filterd/pipeline/verdict.h"
#include "filterd/pipeline/way.h"
#include "gpg/seal.h"
#include "rules/evidence.h"

static struct sealed *seal(struct way *w, const struct recipient *r, enum handling handling,
                           const struct bytes *added)
{
    char *error = NULL;
    if (w->encrypted)
        return seal_pass(w->message, added, PASS_ALREADY_ENCRYPTED);
    if (handling == HANDLE_PASS)
        return seal_pass(w->message, added, PASS_NO_KEY);
    if (handling == HANDLE_FOREIGN)
        return seal_pass(w->message, added, PASS_NOT_OURS);
    struct sealed *sealed = (r->others ? seal_message_hidden : seal_message)(
        w->service->sealer, w->message, added, r->users, &error);
    if (!sealed)
        log_warn("sealing failed, tempfailed: %s", error ? error : "no reason given");
    g_free(error);
    return sealed;
}

/* What comes back from an MTA to another leg of ours need not be judged again there. */
static void prove(struct way *w, const struct recipient *r, const struct bytes *added,
                  struct sealed *sealed)
{
    GPtrArray *users = recipient_judges(w->service, r);
    char *field = proof_field(&w->service->key, sealed_bytes(sealed), added, users);
    if (field)
        sealed_prepend(sealed, field);
    g_free(field);
    g_ptr_array_unref(users);
}

struct sealed *way_copy_under(struct way *w, const struct recipient *r, enum handling handling,
                              const struct bytes *lines)
{
    struct sealed *sealed = seal(w, r, handling, lines);
    if (sealed && handling != HANDLE_FOREIGN && hop_is_mta(w->hop))
        prove(w, r, lines, sealed);
    return sealed;
}

struct sealed *way_copy_make(struct way *w, const struct recipient *r, enum handling handling,
                             const struct verdict *v)
{
    const struct settings *s = w->service->settings;
    struct bytes added = {0};
    struct header *subject = NULL;
    const char *mark = w->encrypted ? "already" : handling == HANDLE_SEAL ? "yes" : "no";
    headers_ours(&added, s, v, mark);
    evidence_header_lines(w->arrival->evidence, &added);
    if (s->subject_tag && v->judged && v->class == JUDGE_SPAM)
        subject = headers_tag_subject(&added, w->message, s->subject_tag);
    struct sealed *sealed = way_copy_under(w, r, handling, &added);
    if (subject)
        subject->dropped = false;
    bytes_free(&added);
    return sealed;
}
