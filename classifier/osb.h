/* osb: orthogonal sparse bigrams: each token alone, and with each of the four before it.
 *
 * Siefkes et al., "Combining Winnow and Orthogonal Sparse Bigrams" (2004). A feature is 32 bits of
 * SipHash under the user's key; its low LEARNER_BITS bits are its weight's place. */
#ifndef CLASSIFIER_OSB_H
#define CLASSIFIER_OSB_H

#include <glib.h>

#include "classifier/tokens.h"

#define OSB_WINDOW 5

/* The key of one user's features. Wipe it. */
void osb_key(const struct sitekey *site, const char *user, unsigned char key_r[16]);
/* The features of a message, each weight's place once; array of guint32, g_array_unref. */
GArray *osb_features(const struct tokens *t, const unsigned char key[16]);
/* The same with the texts: first is NULL if the token stands alone, else the one distance before. */
void osb_each(const struct tokens *t, const unsigned char key[16],
              void (*fn)(guint32 feature, const char *first, const char *second, void *arg),
              void *arg);

#endif
