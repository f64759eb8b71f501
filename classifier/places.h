/* places: where in an owner's learner the features of a message lie.
 *
 * Each owner (a user, or the site's base) has places of their own, so that two models cannot be laid
 * side by side. Features are secret without the site's key (see osb.h); scattering them once more
 * is cheap and needs no cryptographic strength. */
#ifndef CLASSIFIER_PLACES_H
#define CLASSIFIER_PLACES_H

#include <glib.h>

#include "base/sitekey.h"

struct places_key {
    guint64 multiplier, addend;
};

/* Wipe it. */
void places_key(const struct sitekey *site, const char *owner, struct places_key *key_r);
guint32 places_one(guint32 feature, const struct places_key *key);
/* The places of the features, each once, LEARNER_HEADER set on those of the header; array of
 * guint32, g_array_unref. */
GArray *places_of(const GArray *features, const struct places_key *key);

/* Numbers below 2^31 as bytes: sorted, then their differences in 7-bit groups. Appends to out. */
void places_pack(const GArray *numbers, GByteArray *out);
/* Sorted; NULL if that is not what was packed. g_array_unref. */
GArray *places_unpack(const unsigned char *data, size_t len);

#endif
