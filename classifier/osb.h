/* osb: orthogonal sparse bigrams: each token alone, and with the one before it.
 *
 * Siefkes et al., "Combining Winnow and Orthogonal Sparse Bigrams" (2004); for a linear learner a
 * window of 2 errs no more than their 5 and costs less than half. A feature is OSB_BITS bits of
 * SipHash under the site's key: the same for all users, nothing to anybody without the key. */
#ifndef CLASSIFIER_OSB_H
#define CLASSIFIER_OSB_H

#include <glib.h>

#include "base/sitekey.h"
#include "classifier/tokens.h"

#define OSB_BITS 24
/* Set in features of the header: the learner weighs header and body apart. */
#define OSB_HEADER (1u << OSB_BITS)

/* The key of features. Wipe it. */
void osb_key(const struct sitekey *site, unsigned char key_r[16]);
/* The features of a message, each once; array of guint32, g_array_unref. */
GArray *osb_features(const struct tokens *t, const unsigned char key[16]);
/* The same with the texts: first is NULL if the token stands alone, else the one before. */
void osb_each(const struct tokens *t, const unsigned char key[16],
              void (*fn)(guint32 feature, const char *first, const char *second, void *arg),
              void *arg);

#endif
