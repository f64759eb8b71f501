/* places: where in an owner's learner the features of a message lie.
 *
 * Each owner (a user, or the site's base) has places of their own, so that two models cannot be laid
 * side by side. Features are secret without the site's key (see osb.h); scattering them once more
 * is cheap and needs no cryptographic strength. */
#ifndef CLASSIFIER_BUCKETS_H
#define CLASSIFIER_BUCKETS_H

#include <glib.h>

#include "base/sitekey.h"

struct buckets_key {
    guint64 multiplier, addend;
};

/* Wipe it. */
void buckets_key(const struct sitekey *site, const char *owner, struct buckets_key *key_r);
guint32 buckets_one(guint32 feature, const struct buckets_key *key);
/* The places of the features, each once, LEARNER_HEADER set on those of the header; array of
 * guint32, g_array_unref. */
GArray *buckets_of(const GArray *features, const struct buckets_key *key);

/* Numbers below 2^31 as bytes: sorted, then their differences in 7-bit groups. Appends to out. */
void buckets_pack(const GArray *numbers, GByteArray *out);
/* Sorted; NULL if that is not what was packed. g_array_unref. */
GArray *buckets_unpack(const unsigned char *data, size_t len);

#endif
