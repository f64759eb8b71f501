/* Finds the strongest reasons for a score. Called by filterctl explain. */
#include "classifier/explain.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "classifier/classifier_view.h"
#include "classifier/explain_words.h"
#include "classifier/learner.h"
#include "classifier/model.h"
#include "classifier/osb.h"
#include "classifier/buckets.h"

struct explaining {
    struct classifier_view own, site;
    GArray *features;   /* parallel to reasons; also features without weight */
    GPtrArray *reasons;
};

static void reason_free(gpointer data)
{
    struct reason *r = data;
    explicit_bzero(r->token, strlen(r->token));
    explicit_bzero(r->words, strlen(r->words));
    g_free(r->token);
    g_free(r->words);
    g_free(r);
}

static void add_reason(guint32 feature, const char *first, const char *second, void *arg)
{
    struct explaining *e = arg;
    struct reason *r = g_new0(struct reason, 1);
    struct bytes words = {0};
    explain_words(&words, first, second);
    r->token = first ? g_strconcat(first, " ", second, NULL) : g_strdup(second);
    r->words = g_strndup((char *)words.data, words.len);
    bytes_free(&words);
    g_array_append_val(e->features, feature);
    g_ptr_array_add(e->reasons, r);
}

static double opinion(const struct classifier_view *v, guint32 feature, struct learner_norm norm)
{
    return v->learner ? learner_opinion(v->learner, buckets_one(feature, &v->key), norm) : 0;
}

static void weigh(struct explaining *e)
{
    GArray *buckets = buckets_of(e->features, &e->site.key);
    const struct learner_norm norm = learner_norm(buckets);
    for (guint i = 0; i < e->features->len; i++) {
        const guint32 feature = g_array_index(e->features, guint32, i);
        struct reason *r = g_ptr_array_index(e->reasons, i);
        r->own = opinion(&e->own, feature, norm);
        r->base = LEARNER_BASE_VOICE * opinion(&e->site, feature, norm);
        r->weight = r->own + r->base;
    }
    g_array_unref(buckets);
}

static gint by_strength(gconstpointer a, gconstpointer b)
{
    const struct reason *x = *(struct reason *const *)a, *y = *(struct reason *const *)b;
    const double wx = fabs(x->weight), wy = fabs(y->weight);
    return wx != wy ? (wx < wy) - (wx > wy) : strcmp(x->token, y->token);
}

/* Keeps the k strongest reasons that have any weight. */
static void cut(GPtrArray *reasons, size_t k)
{
    guint n = 0;
    g_ptr_array_sort(reasons, by_strength);
    while (n < reasons->len && n < k && ((struct reason *)reasons->pdata[n])->weight != 0)
        n++;
    g_ptr_array_set_size(reasons, (gint)n);
}

GPtrArray *explain_message(struct classifier *c, const char *user, const struct tokens *t,
                           size_t k)
{
    struct explaining e = {.features = g_array_new(FALSE, FALSE, sizeof(guint32)),
                           .reasons = g_ptr_array_new_with_free_func(reason_free)};
    unsigned char key[16];
    if (strcmp(user, MODEL_SITE) != 0)
        classifier_view(c, user, &e.own);
    classifier_view(c, MODEL_SITE, &e.site);
    osb_key(classifier_sitekey(c), key);
    osb_each(t, key, add_reason, &e);
    weigh(&e);
    cut(e.reasons, k);
    explicit_bzero(key, sizeof key);
    explicit_bzero(&e.own.key, sizeof e.own.key);
    explicit_bzero(&e.site.key, sizeof e.site.key);
    g_array_unref(e.features);
    return e.reasons;
}
