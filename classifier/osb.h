/* osb: orthogonal sparse bigrams: each token by itself, and each together with the one before it.
 *
 * Siefkes et al., "Combining Winnow and Orthogonal Sparse Bigrams" (2004). For a linear learner a window of 2
 * tokens errs no more than their 5, at less than half the cost. A feature is OSB_BITS bits of SipHash under the
 * site's key: the same for all users, meaningless without the key. */
#ifndef CLASSIFIER_OSB_H
#define CLASSIFIER_OSB_H

#include <glib.h>

#include "base/sitekey.h"
#include "classifier/tokens.h"

#define OSB_BITS 24
/* Flag in features of the header: the learner weighs header and body separately. */
#define OSB_HEADER (1u << OSB_BITS)

/* Derives the key that features are hashed with. The caller wipes it. */
void osb_key(const struct sitekey *site, unsigned char key_r[16]);
/* The features of a message, each once. Array of guint32, g_array_unref. */
GArray *osb_features(const struct tokens *t, const unsigned char key[16]);
/* Calls fn for each feature with its tokens: first is the token before second, NULL if second stands alone. */
void osb_each(const struct tokens *t, const unsigned char key[16],
              void (*fn)(guint32 feature, const char *first, const char *second, void *arg),
              void *arg);

#endif
