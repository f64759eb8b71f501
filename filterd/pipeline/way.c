#include "filterd/pipeline/way.h"

#include <glib.h>

#include "base/config/settings.h"
#include "base/result.h"
#include "filterd/pipeline/verdict_basis.h"

struct verdict *way_verdict(struct way *w, struct turn *t)
{
    const struct listener *l = w->arrival->envelope->listener;
    const struct verdict_basis basis = {w->tokens, w->arrival->evidence, w->arrival->envelope,
                                        w->message};
    if (t->verdict)
        return t->verdict;
    if (t->treatment.handling == HANDLE_FOREIGN || (l && l->role == ROLE_SUBMISSION))
        t->verdict = verdict_none();
    else
        t->verdict = verdict_new(w->service, recipient_judges(w->service, t->recipient), &basis);
    return t->verdict;
}

struct outcome way_hand_on(const struct way *w, const struct recipient *r, const struct sealed *sealed)
{
    GPtrArray *users = recipient_judges(w->service, r);
    const struct outcome o = hop_deliver(w->hop, w->arrival->envelope, r, users, sealed);
    g_ptr_array_unref(users);
    return o;
}
