#include "classifier/osb.h"

#include <string.h>

#include "classifier/learner.h"

void osb_key(const struct sitekey *site, const char *user, unsigned char key_r[16])
{
    sitekey_derive(site, "features", user, key_r);
}

/* Features already taken, a bit for each weight: sorting would cost ten times as much. */
struct seen {
    guint8 bits[LEARNER_WEIGHTS / 8];
};

static bool see(struct seen *seen, guint32 feature)
{
    const guint32 place = feature % LEARNER_WEIGHTS;
    const guint8 bit = (guint8)(1u << (place % 8));
    const bool was = seen->bits[place / 8] & bit;
    seen->bits[place / 8] |= bit;
    return was;
}

void osb_each(const struct tokens *t, const unsigned char key[16],
              void (*fn)(guint32 feature, const char *first, const char *second, void *arg),
              void *arg)
{
    struct seen *seen = g_new0(struct seen, 1);
    const size_t count = tokens_count(t);
    for (size_t i = 0; i < count; i++) {
        uint64_t in[3] = {tokens_hash(t, i), 0, 0};
        for (size_t back = 0; back < OSB_WINDOW && back <= i && in[0]; back++) {
            in[1] = back ? tokens_hash(t, i - back) : 0;
            in[2] = back;
            if (back && !in[1])
                break;
            const guint32 feature = (guint32)siphash(key, in, sizeof in);
            if (!see(seen, feature))
                fn(feature, back ? tokens_text(t, i - back) : NULL, tokens_text(t, i), arg);
        }
    }
    g_free(seen);
}

static void collect(guint32 feature, const char *first, const char *second, void *arg)
{
    (void)first;
    (void)second;
    g_array_append_val((GArray *)arg, feature);
}

GArray *osb_features(const struct tokens *t, const unsigned char key[16])
{
    GArray *features = g_array_new(FALSE, FALSE, sizeof(guint32));
    osb_each(t, key, collect, features);
    return features;
}
