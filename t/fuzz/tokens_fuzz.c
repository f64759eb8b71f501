/* The input is a message, made into tokens and features: no token is empty or too long, no feature comes
 * twice. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/mail/message.h"
#include "classifier/osb.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"

static void see_token(const char *token, void *arg)
{
    (void)arg;
    if (!*token || !g_utf8_validate(token, -1, NULL) || strlen(token) > 400)
        abort();
}

static int compare(gconstpointer a, gconstpointer b)
{
    const guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;
    return x < y ? -1 : x > y;
}

static void see_features(GArray *features)
{
    g_array_sort(features, compare);
    for (guint i = 1; i < features->len; i++)
        if (g_array_index(features, guint32, i) == g_array_index(features, guint32, i - 1))
            abort();
    const guint32 bits = OSB_HEADER | ((1u << OSB_BITS) - 1);
    for (guint i = 0; i < features->len; i++)
        if (g_array_index(features, guint32, i) & ~bits)
            abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    const unsigned char key[16] = {1};
    g_autofree char *raw = g_malloc(len + 1);
    memcpy(raw, data, len);
    raw[len] = 0;
    struct message *m = message_new(raw, len);
    struct tokens *t = tokens_new(m);
    if (tokens_count(t) > limits_default.tokens + 200)
        abort();
    tokens_each(t, see_token, NULL);
    GArray *features = osb_features(t, key);
    see_features(features);
    g_array_unref(features);
    tokens_free(&t);
    message_free(&m);
    return 0;
}
