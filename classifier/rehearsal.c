#include "classifier/rehearsal.h"

#include <string.h>

#include "classifier/classifier.h"
#include "classifier/daykey.h"
#include "classifier/record.h"

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
        GArray *features = record ? record_features(record, r->site_key_file, r->user) : NULL;
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
    const bool ok = record_seal(record, r->site_key_file, r->user, features, error_r) &&
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

static void rehearse(struct learner *l, const GPtrArray *samples, guint i, bool spam)
{
    if (samples->len == 0)
        return;
    learner_learn(l, g_ptr_array_index(samples, i % samples->len), spam, LEARNER_ONCE);
    *(spam ? &l->spam : &l->ham) -= 1; /* it is not learnt anew */
}

bool rehearsal_train(const struct rehearsal *r, const GPtrArray *messages, char **error_r)
{
    struct learner *l = model_learner(r->model);
    if (!l)
        return false;
    const bool spam = is_spam(r);
    GPtrArray *others = other_samples(r), *kept = record_samples(r->model, r->class);
    const guint start = others->len ? (guint)g_random_int_range(0, (gint32)others->len) : 0;
    bool ok = true;
    for (guint i = 0; i < messages->len && ok; i++) {
        const GArray *features = g_ptr_array_index(messages, i);
        learner_learn(l, features, spam, LEARNER_ONCE);
        rehearse(l, others, start + i, !spam);
        ok = sample(r, kept, spam ? l->spam : l->ham, features, error_r);
    }
    g_ptr_array_unref(others);
    g_ptr_array_unref(kept);
    return ok;
}
