/* The input's first byte chooses the decoder for the rest: its output keeps the limit, and text is valid
 * UTF-8. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/charset.h"
#include "base/mail/decode.h"
#include "base/mail/rfc2047.h"

static void see_utf8(const struct bytes *out)
{
    if (out->len > 0 && !g_utf8_validate_len((const char *)out->data, out->len, NULL))
        abort();
}

static void decode(struct bytes *out, int how, const char *text, size_t len)
{
    const size_t limit = how & 8 ? len : len / 2;
    switch (how & 7) {
    case 0:
        decode_base64(out, text, len, limit);
        break;
    case 1:
        decode_qp(out, text, len, limit);
        break;
    case 2:
        decode_loosely(out, text, len, limit);
        break;
    default:
        return;
    }
    if (out->len > limit + 4)
        abort();
}

/* The first line is the charset's name. */
static void convert(struct bytes *out, const char *text, size_t len)
{
    const char *eol = memchr(text, '\n', len);
    g_autofree char *name = g_strndup(text, eol ? (size_t)(eol - text) : 0);
    const char *rest = eol ? eol + 1 : text;
    charset_to_utf8(out, rest, len - (size_t)(rest - text), name);
    see_utf8(out);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    struct bytes out = {0};
    bool odd;
    if (len < 1)
        return 0;
    const int how = *data;
    const size_t n = len - 1;
    g_autofree char *exact = g_malloc(n ? n : 1); /* of its size, for the sanitizer to watch */
    memcpy(exact, data + 1, n);
    decode(&out, how, exact, n);
    if ((how & 7) == 3) {
        rfc2047_decode(&out, exact, n, NULL);
        see_utf8(&out);
    } else if ((how & 7) == 4) {
        convert(&out, exact, n);
    } else if ((how & 7) == 5) {
        g_autofree char *name = g_strndup(exact, n);
        decode_encoding_of(name, &odd);
    }
    decode_is_base64(exact, n);
    decode_is_text(exact, n);
    rfc2047_is_plain(exact, n);
    bytes_free(&out);
    return 0;
}
