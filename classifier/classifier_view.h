/* classifier_view: how explain.c looks into the models that a classifier has open. */
#ifndef CLASSIFIER_CLASSIFIER_VIEW_H
#define CLASSIFIER_CLASSIFIER_VIEW_H

#include <stdbool.h>

#include "base/sitekey.h"
#include "classifier/learner.h"
#include "classifier/buckets.h"

struct classifier;

struct classifier_view {
    const struct learner *learner; /* NULL: nothing learnt yet; lent until it is viewed again */
    struct buckets_key key;         /* wipe it */
};

/* An owner's learner; false if there is a model and it cannot be read. */
bool classifier_view(struct classifier *c, const char *owner, struct classifier_view *view_r);
/* The secret all keys come from. Lent. */
const struct sitekey *classifier_sitekey(const struct classifier *c);

#endif
