/* Applies a record's training to the learners. Called by train_request.c and housekeeping.c. */
#include "filterd/keeper/train_apply.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/user_settings.h"
#include "classifier/known_sender.h"
#include "classifier/learner.h"
#include "classifier/model.h"
#include "classifier/model_learner.h"
#include "classifier/buckets.h"

/* With this many rows in the journal, readers spend as much on them as on reading the checkpoint again. */
enum { PENDING_MAX = 64 };

/* One owner's learner, and the buckets of the record's features in it. */
struct learner_target {
    struct model *model;
    struct learner *learner;
    GArray *buckets;
};

static bool pupil_init(struct learner_target *p, struct model_store *l, struct model *m, const char *owner,
                       const GArray *features)
{
    struct buckets_key key;
    buckets_key(&l->key, owner, &key);
    *p = (struct learner_target){m, model_learner(m), buckets_of(features, &key)};
    explicit_bzero(&key, sizeof key);
    return p->learner != NULL;
}

static void pupil_clear(struct learner_target *p)
{
    if (p->buckets)
        g_array_unref(p->buckets);
}

static bool note(struct learner_target *p, const struct record *r, const char *kind, bool spam,
                 struct learner_step step)
{
    const struct model_lesson lesson = {kind, r->signature, spam, step};
    return model_learner_note(p->model, &lesson, p->buckets);
}

static bool undo(struct learner_target *p, const struct record *r, struct learner_step step)
{
    const bool spam = strcmp(r->taught, "spam") == 0;
    const struct learner_step back = learner_negate(step);
    learner_apply(p->learner, p->buckets, spam, back);
    return note(p, r, "undone", spam, back);
}

/* Undoes earlier training (if there was any), then teaches. *step: in, what the record did; out, what it does
 * now. */
static bool change(struct learner_target *p, const struct record *r, const struct train_apply *what, double base,
                   struct learner_step *step)
{
    if (r->taught && !undo(p, r, *step))
        return false;
    const struct learner_lesson lesson = {what->spam, what->half, base};
    *step = (struct learner_step){.heard = 1};
    if (what->takes_back)
        learner_apply(p->learner, p->buckets, what->spam, *step);
    else
        *step = learner_learn(p->learner, p->buckets, &lesson);
    return note(p, r, what->kind, what->spam, *step) &&
           train_apply_checkpoint(p->model, PENDING_MAX);
}

bool train_apply_checkpoint(struct model *m, gint64 pending)
{
    return model_learner_pending(m) <= pending ||
           (model_learner(m) && model_learner_checkpoint(m));
}

double train_apply_base(struct model_store *l, const GArray *features)
{
    struct model *m = model_store_site(l, false);
    struct learner_target p = {0};
    double base = 0;
    if (m && pupil_init(&p, l, m, MODEL_SITE, features))
        base = learner_base(p.learner, p.buckets);
    pupil_clear(&p);
    return base;
}

/* The base learns in a transaction of its own, before the user's model: after a crash in between it knows one
 * message more, which does no harm. */
static bool teach_site(struct model_store *l, struct record *r, const struct train_apply *what,
                       const GArray *features)
{
    struct user_settings of;
    if (!model_store_settings(l, what->user, &of, NULL))
        return false;
    const bool shares = of.share, taught = r->taught && r->site.heard != 0;
    struct model *m = shares || taught ? model_store_site(l, true) : NULL;
    if (!shares && !taught)
        return true;
    struct learner_target p = {0};
    bool ok = m && model_begin(m);
    if (ok) {
        ok = pupil_init(&p, l, m, MODEL_SITE, features);
        if (ok && shares) {
            const struct record alias = {.signature = r->signature, .taught = taught ? r->taught : NULL};
            ok = change(&p, &alias, what, 0, &r->site);
        } else if (ok) {
            ok = undo(&p, r, r->site);
            r->site = (struct learner_step){.heard = 0};
        }
        ok = model_end(m, ok);
    }
    pupil_clear(&p);
    return ok;
}

static bool teach_user(struct model_store *l, struct model *m, struct record *r,
                       const struct train_apply *what, const GArray *features)
{
    struct learner_target p = {0};
    bool ok = model_begin(m);
    if (ok) {
        ok = pupil_init(&p, l, m, what->user, features) &&
             change(&p, r, what, train_apply_base(l, features), &r->step);
        g_free(r->taught);
        r->taught = g_strdup(what->spam ? "spam" : "ham");
        if (ok && !what->silent)
            ok = known_sender_count(m, r->known_sender, &r->counted, r->taught);
        ok = ok && record_update(m, r);
        ok = model_end(m, ok);
    }
    pupil_clear(&p);
    return ok;
}

bool train_apply_record(struct model_store *l, struct model *m, struct record *r,
                     const struct train_apply *what, char **text_r)
{
    GArray *features = record_features(r, l->settings->site_key, what->user);
    const bool ok = features && teach_site(l, r, what, features) &&
                    teach_user(l, m, r, what, features);
    if (!ok && !*text_r)
        *text_r = g_strdup(features ? "the model or the user's settings could not be read or written"
                                    : "the key of that day is gone");
    if (features)
        g_array_unref(features);
    return ok;
}
