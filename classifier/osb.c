/* Turns tokens into hashed features. Called by classifier.c, explain.c and filterctl. */
#include "classifier/osb.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/sitekey.h"

void osb_key(const struct sitekey *site, unsigned char key_r[16])
{
    sitekey_derive(site, "features", "", key_r);
}

/* Set of features seen, a hash table with open addressing, at most half full: sorting would cost ten times as
 * much. */
struct seen {
    guint32 mask;
    guint32 *slots; /* mask + 1 slots, a power of two; each holds feature + 1, 0 if empty */
};

static void seen_init(struct seen *seen, size_t tokens)
{
    guint32 slots = 64;
    while (slots < 4 * tokens) /* a token makes up to two features */
        slots *= 2;
    seen->mask = slots - 1;
    seen->slots = g_new0(guint32, slots);
}

static bool see(const struct seen *seen, guint32 feature)
{
    guint32 i = feature & seen->mask;
    for (; seen->slots[i]; i = (i + 1) & seen->mask)
        if (seen->slots[i] == feature + 1)
            return true;
    seen->slots[i] = feature + 1;
    return false;
}

/* True for tokens of the header; the rules' facts count as header, too. */
static bool is_of_header(const struct tokens *t, size_t i)
{
    const char *text = tokens_text(t, i);
    return (text[0] == 'h' || text[0] == 'f') && text[1] == ':';
}

static guint32 feature_of(const unsigned char key[16], const uint64_t *hashes, size_t count,
                          guint32 header)
{
    return (guint32)(siphash(key, hashes, count * sizeof *hashes) >> (64 - OSB_BITS)) | header;
}

void osb_each(const struct tokens *t, const unsigned char key[16],
              void (*fn)(guint32 feature, const char *first, const char *second, void *arg),
              void *arg)
{
    struct seen seen;
    const size_t count = tokens_count(t);
    seen_init(&seen, count);
    uint64_t in[2] = {0, 0}; /* hash of the token before (0 after a gap or if alone), hash of the token */
    for (size_t i = 0; i < count; i++, in[0] = in[1]) {
        in[1] = tokens_hash(t, i);
        if (!in[1])
            continue;
        const guint32 header = is_of_header(t, i) ? OSB_HEADER : 0;
        const guint32 alone = feature_of(key, &in[1], 1, header);
        if (!see(&seen, alone))
            fn(alone, NULL, tokens_text(t, i), arg);
        if (!in[0])
            continue;
        const guint32 pair = feature_of(key, in, 2, header);
        if (!see(&seen, pair))
            fn(pair, tokens_text(t, i - 1), tokens_text(t, i), arg);
    }
    g_free(seen.slots);
}

static void collect(guint32 feature, const char *first, const char *second, void *arg)
{
    (void)first;
    (void)second;
    g_array_append_val((GArray *)arg, feature);
}

GArray *osb_features(const struct tokens *t, const unsigned char key[16])
{
    GArray *features = g_array_sized_new(FALSE, FALSE, sizeof(guint32),
                                         (guint)(2 * tokens_count(t)));
    osb_each(t, key, collect, features);
    return features;
}
