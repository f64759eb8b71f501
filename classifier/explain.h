/* explain: why a message was, or would be, judged so. */
#ifndef CLASSIFIER_EXPLAIN_H
#define CLASSIFIER_EXPLAIN_H

#include <glib.h>

#include "classifier/classifier.h"

struct reason {
    char *token;      /* or two, a blank between */
    char *words;      /* see explain_words.h */
    double weight;    /* what it adds to the score, */
    double own, base; /* by the user's own model and by the site's base, at half a voice */
};

/* The k strongest reasons, strongest first; array of struct reason*, unref frees and wipes all. */
GPtrArray *explain_message(struct classifier *c, const char *user, const struct tokens *t,
                           size_t k);

#endif
