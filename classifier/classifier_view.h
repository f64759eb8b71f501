/* classifier_view: gives explain.c access to the models that a classifier has open. */
#ifndef CLASSIFIER_CLASSIFIER_VIEW_H
#define CLASSIFIER_CLASSIFIER_VIEW_H

#include <stdbool.h>

#include "base/sitekey.h"
#include "classifier/learner.h"
#include "classifier/buckets.h"

struct classifier;

struct classifier_view {
    const struct learner *learner; /* NULL: nothing learnt yet; lent until the next view of this owner */
    struct buckets_key key;         /* the caller wipes it */
};

/* Looks up an owner's learner. False if the owner has a model that cannot be read. */
bool classifier_view(struct classifier *c, const char *owner, struct classifier_view *view_r);
/* The site key, from which all other keys are derived. Lent. */
const struct sitekey *classifier_sitekey(const struct classifier *c);

#endif
