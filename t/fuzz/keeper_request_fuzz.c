/* The input is a request to the keeper: its first byte names the verb, the rest are the arguments. What
 * was unpacked is packed and unpacked again, and must be the same. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/keeper_verbs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GVariant *pack(const struct keeper_format *f, const void *from)
{
    return g_variant_ref_sink(keeper_format_pack(f, from));
}

static void pack_and_unpack(const struct keeper_format *f, const union keeper_request *q)
{
    union keeper_request again;
    GVariant *packed = pack(f, q);
    if (!keeper_format_unpack(f, packed, &again, NULL))
        abort();
    GVariant *twice = pack(f, &again);
    if (!g_variant_equal(packed, twice))
        abort();
    keeper_format_clear(f, &again);
    g_variant_unref(packed);
    g_variant_unref(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count;
    const struct keeper_verb *verbs = keeper_verbs(&count);
    if (size < 1 || size > 60000)
        return 0;
    const struct keeper_format *f = verbs[data[0] % count].request;
    GBytes *bytes = g_bytes_new(data + 1, size - 1); /* aligned */
    GVariant *arguments =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE_VARDICT, bytes, FALSE));
    union keeper_request q;
    g_autofree char *error = NULL;
    /* As frame_recv has it. */
    if (g_variant_is_normal_form(arguments)) {
        const bool ok = keeper_format_unpack(f, arguments, &q, &error);
        if (ok != !error)
            abort();
        if (ok)
            pack_and_unpack(f, &q);
        keeper_format_clear(f, &q);
    }
    g_variant_unref(arguments);
    g_bytes_unref(bytes);
    return 0;
}
