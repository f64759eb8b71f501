#include "classifier/classifier.h"

#include <math.h>
#include <string.h>
#include <sys/random.h>

#include "classifier/learner.h"
#include "classifier/model.h"
#include "classifier/osb.h"

/* Users whose model is kept between messages; each is half a megabyte. */
enum { CACHED = 4 };

struct cached {
    char *user;
    struct model *model;
};

struct classifier {
    const struct settings *settings;
    struct sitekey key;
    struct cached cache[CACHED];
    unsigned next;
};

struct classifier *classifier_new(const struct settings *s, const struct sitekey *key)
{
    struct classifier *c = g_new0(struct classifier, 1);
    c->settings = s;
    c->key = *key;
    return c;
}

static void forget(struct cached *slot)
{
    model_free(&slot->model);
    g_clear_pointer(&slot->user, g_free);
}

void classifier_free(struct classifier **c)
{
    if (!*c)
        return;
    for (size_t i = 0; i < CACHED; i++)
        forget(&(*c)->cache[i]);
    explicit_bzero(&(*c)->key, sizeof (*c)->key);
    g_free(*c);
    *c = NULL;
}

/* The user's open model; NULL if there is none or (false in *ok_r) it cannot be read. */
static struct model *open_model(struct classifier *c, const char *user, bool *ok_r)
{
    *ok_r = true;
    for (size_t i = 0; i < CACHED; i++) {
        struct cached *slot = &c->cache[i];
        if (!slot->user || strcmp(slot->user, user) != 0)
            continue;
        if (!model_is_stale(slot->model))
            return slot->model;
        forget(slot);
    }
    char *error = NULL;
    struct model *m = model_open(c->settings->state_dir, user, false, &error);
    *ok_r = error == NULL;
    g_free(error);
    if (!m)
        return NULL;
    struct cached *slot = &c->cache[c->next++ % CACHED];
    forget(slot);
    slot->user = g_strdup(user);
    slot->model = m;
    return m;
}

enum judge_class classifier_class(const struct settings *s, double probability)
{
    if (probability >= s->spam_threshold)
        return JUDGE_SPAM;
    return probability >= s->unsure_threshold ? JUDGE_UNSURE : JUDGE_INNOCENT;
}

static GArray *features_for(struct classifier *c, const char *user, const struct tokens *t)
{
    unsigned char key[16];
    osb_key(&c->key, user, key);
    GArray *features = osb_features(t, key);
    explicit_bzero(key, sizeof key);
    return features;
}

bool classifier_judge(struct classifier *c, const char *user, const struct tokens *t,
                      struct judgement *judgement_r)
{
    bool ok;
    struct judgement j = {.features = features_for(c, user, t), .probability = 0.5};
    struct model *m = open_model(c, user, &ok);
    struct learner *l = m ? model_learner(m) : NULL;
    if (m && !l)
        ok = false;
    if (ok) {
        j.score = l ? learner_score(l, j.features) : LEARNER_PRIOR;
        j.probability = learner_probability(j.score);
    }
    j.confidence = fabs(j.probability - 0.5) * 2;
    j.class = ok ? classifier_class(c->settings, j.probability) : JUDGE_UNSURE;
    *judgement_r = j;
    return ok;
}

void judgement_clear(struct judgement *j)
{
    g_clear_pointer(&j->features, g_array_unref);
}

struct explaining {
    const struct learner *learner;
    GPtrArray *reasons;
    guint count; /* all features, also those that say nothing */
};

static void reason_free(gpointer data)
{
    struct reason *r = data;
    explicit_bzero(r->text, strlen(r->text));
    g_free(r->text);
    g_free(r);
}

static void explain_feature(guint32 feature, const char *first, const char *second, void *arg)
{
    struct explaining *e = arg;
    const gint16 weight = e->learner->weights[feature % LEARNER_WEIGHTS];
    e->count++;
    if (weight == 0)
        return;
    struct reason *r = g_new0(struct reason, 1);
    r->text = first ? g_strconcat(first, " ", second, NULL) : g_strdup(second);
    r->weight = weight;
    g_ptr_array_add(e->reasons, r);
}

static gint by_strength(gconstpointer a, gconstpointer b)
{
    const struct reason *x = *(struct reason *const *)a, *y = *(struct reason *const *)b;
    const double wx = fabs(x->weight), wy = fabs(y->weight);
    return wx != wy ? (wx < wy) - (wx > wy) : strcmp(x->text, y->text);
}

GPtrArray *classifier_explain(struct classifier *c, const char *user, const struct tokens *t,
                              size_t k)
{
    bool ok;
    struct model *m = open_model(c, user, &ok);
    struct explaining e = {.learner = m ? model_learner(m) : NULL,
                           .reasons = g_ptr_array_new_with_free_func(reason_free)};
    if (!e.learner)
        return e.reasons;
    unsigned char key[16];
    osb_key(&c->key, user, key);
    osb_each(t, key, explain_feature, &e);
    explicit_bzero(key, sizeof key);
    g_ptr_array_sort(e.reasons, by_strength);
    if (e.reasons->len > k)
        g_ptr_array_set_size(e.reasons, (gint)k);
    for (guint i = 0; i < e.reasons->len; i++) {
        struct reason *r = g_ptr_array_index(e.reasons, i);
        r->weight /= LEARNER_SCALE * sqrt(e.count);
    }
    return e.reasons;
}

char *classifier_signature_new(void)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char signature[25];
    size_t n = 0;
    while (n < sizeof signature - 1) {
        unsigned char random;
        if (getrandom(&random, 1, 0) == 1 && random < 248) /* 4 * 62: no letter is likelier */
            signature[n++] = letters[random % 62];
    }
    signature[n] = '\0';
    return g_strdup(signature);
}
