/* Any bytes as a message, through words and pairs to a score: no token is empty, none is over its
 * size, no feature's place comes twice. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "classifier/learner.h"
#include "classifier/osb.h"

static void see_token(const char *token, void *arg)
{
    (void)arg;
    if (!*token || !g_utf8_validate(token, -1, NULL) || strlen(token) > 400)
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    static struct learner learner;
    static unsigned char seen[LEARNER_WEIGHTS];
    const unsigned char key[16] = {1};
    char *raw = g_malloc(len + 1);
    memcpy(raw, data, len);
    raw[len] = 0;
    struct message *m = message_new(raw, len);
    struct tokens *t = tokens_new(m, NULL);
    if (tokens_count(t) > TOKENS_MAX + 200)
        abort();
    tokens_each(t, see_token, NULL);
    GArray *features = osb_features(t, key);
    for (guint i = 0; i < features->len; i++)
        if (seen[g_array_index(features, guint32, i) % LEARNER_WEIGHTS]++)
            abort();
    for (guint i = 0; i < features->len; i++)
        seen[g_array_index(features, guint32, i) % LEARNER_WEIGHTS] = 0;
    learner_score(&learner, features);
    g_array_unref(features);
    tokens_free(&t);
    message_free(&m);
    g_free(raw);
    return 0;
}
