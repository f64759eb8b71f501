/* Judges messages with the users' models. Called by the pipeline, by learn sessions, by the keeper's replay and
 * by filterctl. */
#include "classifier/classifier.h"

#include <math.h>
#include <string.h>
#include <sys/random.h>

#include "classifier/classifier_view.h"
#include "classifier/known_sender.h"
#include "classifier/learner.h"
#include "classifier/model.h"
#include "classifier/model_learner.h"
#include "classifier/model_state.h"
#include "classifier/osb.h"
#include "classifier/buckets.h"

/* Users whose models stay open between messages; each takes 0.8 MB. */
enum { CACHED = 4 };

struct cached {
    char *user;
    struct model *model;
};

struct classifier {
    const struct settings *settings;
    struct sitekey key;
    struct cached cache[CACHED], site;
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
    forget(&(*c)->site);
    explicit_bzero(&(*c)->key, sizeof (*c)->key);
    g_free(*c);
    *c = NULL;
}

/* The user's cache slot, or the slot to reuse for them. */
static struct cached *slot_of(struct classifier *c, const char *user)
{
    if (strcmp(user, MODEL_SITE) == 0)
        return &c->site;
    for (size_t i = 0; i < CACHED; i++)
        if (g_strcmp0(c->cache[i].user, user) == 0)
            return &c->cache[i];
    return &c->cache[c->next++ % CACHED];
}

/* The user's open model. NULL if it does not exist or, with *ok_r false, cannot be read. */
static struct model *open_model(struct classifier *c, const char *user, bool *ok_r)
{
    struct cached *slot = slot_of(c, user);
    *ok_r = true;
    if (g_strcmp0(slot->user, user) == 0 && !model_is_stale(slot->model))
        return slot->model;
    forget(slot);
    g_autofree char *error = NULL;
    slot->model = model_open(c->settings->state_dir, user, false, &error);
    slot->user = slot->model ? g_strdup(user) : NULL;
    *ok_r = error == NULL;
    return slot->model;
}

static enum judge_class class_by(double probability, double spam, double unsure)
{
    if (probability >= spam)
        return JUDGE_SPAM;
    return probability >= unsure ? JUDGE_UNSURE : JUDGE_INNOCENT;
}

enum judge_class classifier_class(const struct settings *s, double probability)
{
    return class_by(probability, s->spam_threshold, s->unsure_threshold);
}

void judgement_add(struct judgement *j, double rules, double spam_threshold,
                   double unsure_threshold)
{
    j->score += rules;
    j->probability = learner_probability(j->score);
    j->confidence = fabs(j->probability - 0.5) * 2;
    j->class = class_by(j->probability, spam_threshold, unsure_threshold);
}

static GArray *features_for(struct classifier *c, const struct tokens *t)
{
    unsigned char key[16];
    osb_key(&c->key, key);
    GArray *features = osb_features(t, key);
    explicit_bzero(key, sizeof key);
    return features;
}

bool classifier_view(struct classifier *c, const char *owner, struct classifier_view *view_r)
{
    bool ok;
    struct model *m = open_model(c, owner, &ok);
    buckets_key(&c->key, owner, &view_r->key);
    view_r->learner = m ? model_learner(m) : NULL;
    return ok && (!m || view_r->learner);
}

const struct sitekey *classifier_sitekey(const struct classifier *c)
{
    return &c->key;
}

/* The part of the score that comes from the site's base; 0 if the base cannot be read. */
static double base_score(struct classifier *c, const GArray *features)
{
    struct classifier_view site;
    double score = 0;
    classifier_view(c, MODEL_SITE, &site);
    if (site.learner) {
        GArray *buckets = buckets_of(features, &site.key);
        score = learner_base(site.learner, buckets);
        g_array_unref(buckets);
    }
    explicit_bzero(&site.key, sizeof site.key);
    return score;
}

/* Adds the user's own score. False if the user's model cannot be read. */
static bool own_score(struct classifier *c, const char *user, const GArray *features,
                      double *score_r)
{
    struct classifier_view own = {0};
    *score_r = LEARNER_PRIOR;
    if (strcmp(user, MODEL_SITE) == 0) /* the user is new: only the base counts */
        return true;
    if (!classifier_view(c, user, &own))
        return false;
    if (own.learner) {
        GArray *buckets = buckets_of(features, &own.key);
        *score_r = learner_score(own.learner, buckets);
        g_array_unref(buckets);
    }
    explicit_bzero(&own.key, sizeof own.key);
    return true;
}

bool classifier_judge(struct classifier *c, const char *user, const struct tokens *t,
                      struct judgement *judgement_r)
{
    struct judgement j = {.features = features_for(c, t)};
    double own;
    const bool ok = own_score(c, user, j.features, &own);
    j.score = ok ? own + base_score(c, j.features) : 0;
    j.probability = learner_probability(j.score);
    j.confidence = fabs(j.probability - 0.5) * 2;
    j.class = ok ? classifier_class(c->settings, j.probability) : JUDGE_UNSURE;
    *judgement_r = j;
    return ok;
}

char *classifier_known_sender(const struct classifier *c, const char *user, const char *address,
                               const char *domain)
{
    return known_sender_id(&c->key, user, address, domain);
}

bool classifier_knows(struct classifier *c, const char *user, const char *known_sender)
{
    bool ok;
    struct model *m = open_model(c, user, &ok);
    return m && known_sender_is_known(m, known_sender);
}

void judgement_clear(struct judgement *j)
{
    g_clear_pointer(&j->features, g_array_unref);
}

char *classifier_signature_new(void)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char signature[25];
    unsigned char random[32];
    size_t n = 0;
    while (n < sizeof signature - 1) {
        const ssize_t got = getrandom(random, sizeof random, 0);
        for (ssize_t i = 0; i < got && n < sizeof signature - 1; i++)
            if (random[i] < 248) /* 248 is 4 * 62, so that all characters are equally likely */
                signature[n++] = letters[random[i] % 62];
    }
    signature[n] = '\0';
    return g_strdup(signature);
}
