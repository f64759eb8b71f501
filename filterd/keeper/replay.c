/* Trains a batch and replays samples of the other class in between. Called by train_request.c. */
#include "filterd/keeper/replay.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "classifier/classifier.h"
#include "classifier/daykey.h"
#include "classifier/learner.h"
#include "classifier/model.h"
#include "classifier/model_learner.h"
#include "classifier/buckets.h"
#include "filterd/keeper/record.h"

/* How many samples of each class are stored. While the other class is not trained yet, more: a model that knows
 * only one class is sure of all its messages and learns next to nothing from them, until they are replayed
 * later. */
enum { SAMPLES = 300, SAMPLES_ALONE = 1000 };

static bool is_spam(const struct replay *r)
{
    return strcmp(r->class, "spam") == 0;
}

static bool open_samples(const struct replay *r, GPtrArray *samples, guint from, guint count)
{
    GPtrArray *records = record_get_samples(r->model, is_spam(r) ? "ham" : "spam", from, count);
    for (guint i = 0; records && i < records->len; i++) {
        GArray *features = record_features(g_ptr_array_index(records, i),
                                           r->model_store->settings->site_key, r->user);
        if (features)
            g_ptr_array_add(samples, features);
    }
    if (records)
        g_ptr_array_unref(records);
    return records != NULL;
}

/* At most count samples of the other class, starting at a random one: array of GArray*. NULL if they cannot be
 * read. */
static GPtrArray *other_samples(const struct replay *r, guint count)
{
    GPtrArray *samples = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    GPtrArray *signatures = record_samples(r->model, is_spam(r) ? "ham" : "spam");
    const guint all = signatures ? signatures->len : 0;
    const guint start = all ? (guint)g_random_int_range(0, (gint32)all) : 0;
    const guint behind = MIN(count, all - start);
    if (!signatures || !open_samples(r, samples, start, behind) ||
        !open_samples(r, samples, 0, MIN(count - behind, start)))
        g_clear_pointer(&samples, g_ptr_array_unref);
    if (signatures)
        g_ptr_array_unref(signatures);
    return samples;
}

/* The learners of one training: the owner's and the site's base below it, with the keys of their buckets. */
struct room {
    struct replay *what;
    struct learner *learner;
    const struct learner *base; /* NULL: there is none, or the owner is the base itself */
    struct buckets_key key, base_key;
};

/* A slot for a sample of the class that is trained. It holds a stored sample (signature) or, during a batch, a
 * message of the batch: only messages that still hold a slot at the end are sealed and stored. */
struct seat {
    char *signature;
    const GArray *message;
};

static void seat_clear(gpointer data)
{
    g_free(((struct seat *)data)->signature);
}

/* The slots of stored samples; NULL if they cannot be read. */
static GArray *seats_taken(const struct replay *r)
{
    GPtrArray *signatures = record_samples(r->model, r->class);
    if (!signatures)
        return NULL;
    GArray *seats = g_array_new(FALSE, TRUE, sizeof(struct seat));
    g_array_set_clear_func(seats, seat_clear);
    for (guint i = 0; i < signatures->len; i++) {
        const struct seat seat = {.signature = g_strdup(g_ptr_array_index(signatures, i))};
        g_array_append_val(seats, seat);
    }
    g_ptr_array_unref(signatures);
    return seats;
}

/* How many slots there are. */
static guint seat_count(const struct replay *r, const struct learner *l)
{
    return (is_spam(r) ? l->ham : l->spam) < SAMPLES ? SAMPLES_ALONE : SAMPLES;
}

/* Reservoir sampling: gives the message a slot with a chance that in the end is equal for all messages of its
 * class. */
static bool seat(const struct room *room, GArray *seats, const GArray *message)
{
    const struct replay *r = room->what;
    const guint limit = seat_count(r, room->learner);
    const guint seen = is_spam(r) ? room->learner->spam : room->learner->ham;
    if (seats->len < limit) {
        const struct seat last = {.message = message};
        g_array_append_val(seats, last);
        return true;
    }
    const guint seat = (guint)g_random_int_range(0, (gint32)MAX(seen, limit));
    if (seat >= seats->len)
        return true;
    struct seat *s = &g_array_index(seats, struct seat, seat);
    const bool ok = !s->signature || record_remove(r->model, s->signature);
    g_clear_pointer(&s->signature, g_free);
    s->message = message;
    return ok;
}

static bool keep(const struct replay *r, const GArray *features, char **error_r)
{
    struct record *record = record_new();
    record->signature = classifier_signature_new();
    record->day = daykey_day(0);
    record->class = g_strdup(r->class);
    record->taught = g_strdup(r->class);
    record->state = RECORD_SAMPLE;
    const bool ok = record_seal(record, r->model_store->settings->site_key, r->user, features, error_r) &&
                    record_add(r->model, record);
    record_free(&record);
    return ok;
}

static bool keep_seated(const struct replay *r, const GArray *seats, char **error_r)
{
    bool ok = true;
    for (guint i = 0; i < seats->len && ok; i++) {
        const struct seat *s = &g_array_index(seats, struct seat, i);
        ok = !s->message || keep(r, s->message, error_r);
    }
    return ok;
}

static bool room_init(struct room *room, struct replay *r)
{
    const bool site = strcmp(r->user, MODEL_SITE) == 0;
    struct model *base = site ? NULL : model_store_site(r->model_store, false);
    *room = (struct room){.what = r, .learner = model_learner(r->model)};
    room->base = base ? model_learner(base) : NULL;
    buckets_key(&r->model_store->key, r->user, &room->key);
    buckets_key(&r->model_store->key, MODEL_SITE, &room->base_key);
    return room->learner != NULL;
}

/* Learns a message. The owner's learner learns only what the base does not know already. Returns the score
 * before. */
static double learn(const struct room *room, const GArray *features, bool spam)
{
    struct learner_lesson lesson = {spam, false, 0};
    if (room->base) {
        GArray *there = buckets_of(features, &room->base_key);
        lesson.base = learner_base(room->base, there);
        g_array_unref(there);
    }
    GArray *buckets = buckets_of(features, &room->key);
    const double score = learner_score(room->learner, buckets) + lesson.base;
    learner_learn(room->learner, buckets, &lesson);
    g_array_unref(buckets);
    return score;
}

static void replay_samples(const struct room *room, const GPtrArray *samples, guint i, bool spam)
{
    if (samples->len == 0)
        return;
    learn(room, g_ptr_array_index(samples, i % samples->len), spam);
    *(spam ? &room->learner->spam : &room->learner->ham) -= 1; /* a replay does not count as a message learnt */
}

static bool lessons(const struct room *room, const GPtrArray *messages, char **error_r)
{
    struct replay *r = room->what;
    const bool spam = is_spam(r);
    GPtrArray *others = other_samples(r, messages->len);
    GArray *seats = seats_taken(r);
    bool ok = others && seats;
    for (guint i = 0; i < messages->len && ok; i++) {
        const GArray *features = g_ptr_array_index(messages, i);
        r->right += (learn(room, features, spam) > 0) == spam;
        replay_samples(room, others, i, !spam);
        ok = seat(room, seats, features);
    }
    ok = ok && keep_seated(r, seats, error_r);
    g_clear_pointer(&others, g_ptr_array_unref);
    g_clear_pointer(&seats, g_array_unref);
    return ok;
}

bool replay_train(struct replay *r, const GPtrArray *messages, char **error_r)
{
    struct room room;
    bool ok = room_init(&room, r);
    const guint32 before = ok ? room.learner->spam + room.learner->ham : 0;
    ok = ok && lessons(&room, messages, error_r);
    const gint32 heard = ok ? (gint32)(room.learner->spam + room.learner->ham - before) : 0;
    const struct model_lesson note = {"train", NULL, is_spam(r), {.heard = heard}};
    explicit_bzero(&room, sizeof room);
    return ok && model_learner_note(r->model, &note, NULL) && model_learner_checkpoint(r->model);
}
