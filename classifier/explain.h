/* explain: why a message was, or would be, judged so. */
#ifndef CLASSIFIER_EXPLAIN_H
#define CLASSIFIER_EXPLAIN_H

#include "classifier/classifier.h"

struct reason {
    char *text;    /* the token or pair, UTF-8 */
    double weight; /* what it adds to the score */
};

/* The k strongest reasons, strongest first; array of struct reason*, unref frees and wipes all. */
GPtrArray *explain_message(struct classifier *c, const char *user, const struct tokens *t,
                           size_t k);

#endif
