#include "classifier/places.h"

#include <string.h>

#include "classifier/learner.h"
#include "classifier/osb.h"

void places_key(const struct sitekey *site, const char *owner, struct places_key *key_r)
{
    unsigned char bytes[16];
    G_STATIC_ASSERT(sizeof bytes == sizeof *key_r);
    sitekey_derive(site, "places", owner, bytes);
    memcpy(key_r, bytes, sizeof bytes);
    key_r->multiplier |= 1;
    explicit_bzero(bytes, sizeof bytes);
}

guint32 places_one(guint32 feature, const struct places_key *key)
{
    guint64 x = ((feature & (OSB_HEADER - 1)) + key->addend) * key->multiplier;
    x ^= x >> 32;
    x *= key->multiplier;
    return (guint32)(x >> (64 - LEARNER_BITS)) | (feature & OSB_HEADER ? LEARNER_HEADER : 0);
}

GArray *places_of(const GArray *features, const struct places_key *key)
{
    guint8 *seen = g_malloc0(LEARNER_PLACES / 8);
    GArray *places = g_array_sized_new(FALSE, FALSE, sizeof(guint32), features->len);
    for (guint i = 0; i < features->len; i++) {
        const guint32 place = places_one(g_array_index(features, guint32, i), key);
        guint8 *byte = &seen[place % LEARNER_PLACES / 8];
        const guint8 bit = (guint8)(1u << (place % 8));
        if (!(*byte & bit))
            g_array_append_val(places, place);
        *byte |= bit;
    }
    g_free(seen);
    return places;
}

static gint by_number(gconstpointer a, gconstpointer b)
{
    const guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;
    return (x > y) - (x < y);
}

void places_pack(const GArray *numbers, GByteArray *out)
{
    GArray *sorted = g_array_copy((GArray *)numbers);
    guint32 last = 0;
    g_array_sort(sorted, by_number);
    for (guint i = 0; i < sorted->len; i++) {
        const guint32 number = g_array_index(sorted, guint32, i);
        guint32 rest = number - last;
        do {
            const guint8 byte = (guint8)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
            g_byte_array_append(out, &byte, 1);
            rest >>= 7;
        } while (rest > 0);
        last = number;
    }
    g_array_unref(sorted);
}

GArray *places_unpack(const unsigned char *data, size_t len)
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
