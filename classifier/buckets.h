/* buckets: maps the features of a message to buckets, the indices into an owner's learner.
 *
 * Each owner (a user, or the site's base) has a mapping of their own, so that two models cannot be compared
 * bucket by bucket. Features are already secret without the site's key (see osb.h); this second scattering is
 * cheap and needs no cryptographic strength. */
#ifndef CLASSIFIER_BUCKETS_H
#define CLASSIFIER_BUCKETS_H

#include <glib.h>

#include "base/sitekey.h"

struct buckets_key {
    guint64 multiplier, addend;
};

/* The caller wipes key_r. */
void buckets_key(const struct sitekey *site, const char *owner, struct buckets_key *key_r);
guint32 buckets_one(guint32 feature, const struct buckets_key *key);
/* The buckets of these features, each once, with LEARNER_HEADER set on those of the header. Array of guint32,
 * g_array_unref. */
GArray *buckets_of(const GArray *features, const struct buckets_key *key);

/* Packs numbers below 2^31: sorts them and appends their differences to out, in groups of 7 bits. */
void buckets_pack(const GArray *numbers, GByteArray *out);
/* The numbers, sorted; NULL if data is not what buckets_pack writes. g_array_unref. */
GArray *buckets_unpack(const unsigned char *data, size_t len);

#endif
