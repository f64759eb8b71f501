/* The input is a user's export: once as it comes, which must be refused unless its MAC is right, and once
 * with the MAC put right. What was imported is exported again, and that comes in the same. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/sitekey.h"
#include "classifier/learner.h"
#include "filterd/keeper/export.h"

static const struct sitekey key = {{7}};

static struct export *unpack(const GByteArray *file)
{
    g_autofree char *error = NULL;
    struct export *e = export_unpack(file->data, file->len, &key, &error);
    if ((e != NULL) == (error != NULL))
        abort();
    return e;
}

static void write_and_read(const struct export *e)
{
    GByteArray *file = export_pack(e, &key);
    struct export *again = unpack(file);
    if (!again || strcmp(again->user, e->user) != 0 || again->history->len != e->history->len ||
        again->settings->len != e->settings->len ||
        memcmp(again->learner, e->learner, sizeof *e->learner) != 0)
        abort();
    export_free(&again);
    g_byte_array_unref(file);
}

/* A model is larger than a fuzzer's inputs: "@*" in an input stands for its three arrays, all zeros. */
static GByteArray *file_of(const unsigned char *data, size_t len)
{
    const struct learner *l = NULL;
    const guint arrays = sizeof l->weights + sizeof l->counts + sizeof l->touched;
    GByteArray *file = g_byte_array_new();
    for (size_t i = 0; i < len; i++) {
        if (data[i] != '@' || i + 1 == len || data[i + 1] != '*') {
            g_byte_array_append(file, data + i, 1);
            continue;
        }
        g_byte_array_set_size(file, file->len + arrays);
        memset(file->data + file->len - arrays, 0, arrays);
        i++;
        if (file->len > EXPORT_MAX_BYTES)
            break;
    }
    return file;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    GByteArray *file = file_of(data, len);
    struct export *e = unpack(file);
    if (!e && file->len >= 49) {
        export_sign(file, &key);
        e = unpack(file);
    }
    if (e)
        write_and_read(e);
    export_free(&e);
    g_byte_array_unref(file);
    return 0;
}
