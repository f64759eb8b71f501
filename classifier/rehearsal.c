#include "classifier/rehearsal.h"

#include <string.h>

#include "classifier/classifier.h"
#include "classifier/daykey.h"
#include "classifier/model_learner.h"
#include "classifier/places.h"
#include "classifier/record.h"
#include "classifier/teaching.h"

enum { SAMPLES = 300 }; /* of each class; 100 make three times the errors, 500 few less */

static bool is_spam(const struct rehearsal *r)
{
    return strcmp(r->class, "spam") == 0;
}

/* What is kept of the other class: array of GArray*. */
static GPtrArray *other_samples(const struct rehearsal *r)
{
    GPtrArray *samples = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    GPtrArray *signatures = record_samples(r->model, is_spam(r) ? "ham" : "spam");
    for (guint i = 0; i < signatures->len; i++) {
        struct record *record = record_get(r->model, g_ptr_array_index(signatures, i));
        GArray *features = record ? record_features(record, r->ledger->settings->site_key, r->user) : NULL;
        if (features)
            g_ptr_array_add(samples, features);
        record_free(&record);
    }
    g_ptr_array_unref(signatures);
    return samples;
}

static bool keep(const struct rehearsal *r, const char *signature, const GArray *features,
                 char **error_r)
{
    struct record *record = record_new();
    record->signature = g_strdup(signature);
    record->day = daykey_day(0);
    record->class = g_strdup(r->class);
    record->taught = g_strdup(r->class);
    record->state = RECORD_SAMPLE;
    const bool ok = record_seal(record, r->ledger->settings->site_key, r->user, features, error_r) &&
                    record_add(r->model, record);
    record_free(&record);
    return ok;
}

/* Keeps it with a chance that gives all messages of its class the same in the end. */
static bool sample(const struct rehearsal *r, GPtrArray *kept, guint seen, const GArray *features,
                   char **error_r)
{
    if (kept->len >= SAMPLES) {
        const guint place = (guint)g_random_int_range(0, (gint32)MAX(seen, SAMPLES));
        if (place >= kept->len)
            return true;
        if (!record_remove(r->model, g_ptr_array_index(kept, place)))
            return false;
        g_ptr_array_remove_index_fast(kept, place);
    }
    char *signature = classifier_signature_new();
    g_ptr_array_add(kept, signature);
    return keep(r, signature, features, error_r);
}

/* One class room: the owner's learner and where it keeps things. */
struct room {
    const struct rehearsal *what;
    struct learner *learner;
    struct places_key key;
};

/* An owner's own lesson goes beyond what the base knows already. */
static void learn(const struct room *room, const GArray *features, bool spam)
{
    const bool site = strcmp(room->what->user, MODEL_SITE) == 0;
    const double base = site ? 0 : teaching_base(room->what->ledger, features);
    const struct learner_lesson lesson = {spam, LEARNER_ONCE, base};
    GArray *places = places_of(features, &room->key);
    learner_learn(room->learner, places, &lesson);
    g_array_unref(places);
}

static void rehearse(const struct room *room, const GPtrArray *samples, guint i, bool spam)
{
    if (samples->len == 0)
        return;
    learn(room, g_ptr_array_index(samples, i % samples->len), spam);
    *(spam ? &room->learner->spam : &room->learner->ham) -= 1; /* it is not learnt anew */
}

static bool lessons(const struct room *room, const GPtrArray *messages, char **error_r)
{
    const struct rehearsal *r = room->what;
    const bool spam = is_spam(r);
    GPtrArray *others = other_samples(r), *kept = record_samples(r->model, r->class);
    const guint start = others->len ? (guint)g_random_int_range(0, (gint32)others->len) : 0;
    bool ok = true;
    for (guint i = 0; i < messages->len && ok; i++) {
        const GArray *features = g_ptr_array_index(messages, i);
        learn(room, features, spam);
        rehearse(room, others, start + i, !spam);
        ok = sample(r, kept, spam ? room->learner->spam : room->learner->ham, features, error_r);
    }
    g_ptr_array_unref(others);
    g_ptr_array_unref(kept);
    return ok;
}

bool rehearsal_train(const struct rehearsal *r, const GPtrArray *messages, char **error_r)
{
    struct room room = {.what = r, .learner = model_learner(r->model)};
    if (!room.learner)
        return false;
    const guint32 before = room.learner->spam + room.learner->ham;
    places_key(&r->ledger->key, r->user, &room.key);
    bool ok = lessons(&room, messages, error_r);
    explicit_bzero(&room.key, sizeof room.key);
    const gint32 heard = (gint32)(room.learner->spam + room.learner->ham - before);
    const struct model_lesson note = {"train", NULL, is_spam(r), {0, 0, heard}};
    return ok && model_learner_note(r->model, &note, NULL) && model_learner_checkpoint(r->model);
}
