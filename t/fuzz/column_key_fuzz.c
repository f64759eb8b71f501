/* The input is the text of a key column: what is read from it is what its hex digits and its base64 read as, and an
 * empty one is no key. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "gpg/column_key.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);

static void insist(bool holds)
{
    if (!holds)
        abort();
}

static void reads_as(const char *text, size_t len, const struct bytes *want)
{
    struct bytes key = {0};
    insist(column_key_read(text, len, &key));
    insist(key.len == want->len && !memcmp(key.data, want->data, key.len));
    bytes_free(&key);
}

static void same_in_other_forms(const struct bytes *key)
{
    GString *hex = g_string_new("\\x");
    for (size_t i = 0; i < key->len; i++)
        g_string_append_printf(hex, "%02x", key->data[i]);
    reads_as(hex->str, hex->len, key);
    g_string_free(hex, TRUE);
    if (key->data[0] & 0x80) {
        g_autofree char *base64 = g_base64_encode(key->data, key->len);
        reads_as(base64, strlen(base64), key);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    struct bytes key = {0};
    const char *text = (const char *)data;
    const bool is_key = column_key_read(text, len, &key);
    g_autofree char *digest = column_key_digest(text, len);
    insist(strlen(digest) == 64);
    insist(!is_key || (key.len && !column_key_is_empty(text, len)));
    if (is_key && key.len < 4096)
        same_in_other_forms(&key);
    bytes_free(&key);
    return 0;
}
