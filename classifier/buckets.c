/* Maps features to buckets, and packs bucket numbers for the store. Called by classifier.c, explain.c,
 * model_learner.c and the keeper. */
#include "classifier/buckets.h"

#include <string.h>

#include "classifier/learner.h"
#include "classifier/osb.h"

void buckets_key(const struct sitekey *site, const char *owner, struct buckets_key *key_r)
{
    unsigned char bytes[16];
    G_STATIC_ASSERT(sizeof bytes == sizeof *key_r);
    sitekey_derive(site, "places", owner, bytes);
    memcpy(key_r, bytes, sizeof bytes);
    key_r->multiplier |= 1;
    explicit_bzero(bytes, sizeof bytes);
}

guint32 buckets_one(guint32 feature, const struct buckets_key *key)
{
    guint64 x = ((feature & (OSB_HEADER - 1)) + key->addend) * key->multiplier;
    x ^= x >> 32;
    x *= key->multiplier;
    return (guint32)(x >> (64 - LEARNER_BITS)) | (feature & OSB_HEADER ? LEARNER_HEADER : 0);
}

GArray *buckets_of(const GArray *features, const struct buckets_key *key)
{
    g_autofree guint8 *seen = g_malloc0(LEARNER_BUCKETS / 8);
    GArray *buckets = g_array_sized_new(FALSE, FALSE, sizeof(guint32), features->len);
    for (guint i = 0; i < features->len; i++) {
        const guint32 bucket = buckets_one(g_array_index(features, guint32, i), key);
        guint8 *byte = &seen[bucket % LEARNER_BUCKETS / 8];
        const guint8 bit = (guint8)(1u << (bucket % 8));
        if (!(*byte & bit))
            g_array_append_val(buckets, bucket);
        *byte |= bit;
    }
    return buckets;
}

/* Radix sort, lowest bits first: a message has about a thousand numbers, and a comparison sort took longer than
 * writing them to disk. from and to have room for n each; the result is in from. */
static void sort_numbers(guint32 *from, guint32 *to, guint n)
{
    enum { BITS = 8, VALUES = 1 << BITS };
    for (int shift = 0; shift < 32; shift += BITS) { /* an even number of passes, so that the result ends up in
                                                      * from */
        guint at[VALUES + 1] = {0};
        for (guint i = 0; i < n; i++)
            at[(from[i] >> shift) % VALUES + 1]++;
        for (guint v = 0; v < VALUES; v++)
            at[v + 1] += at[v];
        for (guint i = 0; i < n; i++)
            to[at[(from[i] >> shift) % VALUES]++] = from[i];
        guint32 *swap = from;
        from = to;
        to = swap;
    }
}

void buckets_pack(const GArray *numbers, GByteArray *out)
{
    enum { NUMBER_BYTES = 5 };
    const guint n = numbers->len, start = out->len;
    g_autofree guint32 *sorted = g_new(guint32, 2 * (gsize)n + 1);
    guint32 last = 0;
    if (n)
        memcpy(sorted, numbers->data, n * sizeof *sorted);
    sort_numbers(sorted, sorted + n, n);
    g_byte_array_set_size(out, start + n * NUMBER_BYTES);
    guint8 *at = out->data + start;
    for (guint i = 0; i < n; i++) {
        guint32 rest = sorted[i] - last;
        for (; rest > 0x7f; rest >>= 7)
            *at++ = (guint8)((rest & 0x7f) | 0x80);
        *at++ = (guint8)rest;
        last = sorted[i];
    }
    g_byte_array_set_size(out, n ? (guint)(at - out->data) : start);
}

GArray *buckets_unpack(const unsigned char *data, size_t len)
{
    GArray *numbers = g_array_sized_new(FALSE, FALSE, sizeof(guint32), (guint)(len / 2) + 1);
    guint64 number = 0;
    for (size_t i = 0; i < len; i++) {
        guint64 rest = data[i] & 0x7f;
        for (int shift = 7; data[i] & 0x80; shift += 7) {
            if (++i == len || shift > 28) {
                g_array_unref(numbers);
                return NULL;
            }
            rest |= (guint64)(data[i] & 0x7f) << shift;
        }
        number += rest;
        if (number > G_MAXINT32) {
            g_array_unref(numbers);
            return NULL;
        }
        const guint32 whole = (guint32)number;
        g_array_append_val(numbers, whole);
    }
    return numbers;
}
