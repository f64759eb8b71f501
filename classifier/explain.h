/* explain: the reasons for a message's score. */
#ifndef CLASSIFIER_EXPLAIN_H
#define CLASSIFIER_EXPLAIN_H

#include <glib.h>

#include "classifier/classifier.h"

struct reason {
    char *token;      /* one token, or two with a blank between */
    char *words;      /* see explain_words.h */
    double weight;    /* what it adds to the score */
    double own, base; /* the part of the user's own model, and of the site's base (LEARNER_BASE_VOICE applied) */
};

/* The k strongest reasons, strongest first. Array of struct reason*; unref frees and wipes all. */
GPtrArray *explain_message(struct classifier *c, const char *user, const struct tokens *t,
                           size_t k);

#endif
