/* The input is a key card: once as it comes, which must be refused unless its check is right, and once with the check
 * put right. What is believed can be a key's, and written again it says the same. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "gpg/key_card.h"
#include "gpg/keyring.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);

static void insist(bool holds)
{
    if (!holds)
        abort();
}

static GPtrArray *unpack(const GByteArray *card)
{
    g_autofree char *why = NULL;
    GPtrArray *keys = key_card_unpack(card->data, card->len, "/home", &why);
    insist((keys != NULL) == (why == NULL));
    insist(!why || !strchr(why, '\n'));
    return keys;
}

static void look_at(const struct key_info *k)
{
    insist(g_str_has_prefix(k->file, "/home/") && !strchr(k->file + 6, '/') && g_str_has_suffix(k->file, ".pgp"));
    insist(g_utf8_validate(k->user_id, -1, NULL) && g_utf8_validate(k->algorithm, -1, NULL));
    insist(!k->ring && strlen(k->digest) == 64);
    key_info_trouble(k, 0);
    insist(key_info_ends(k) >= 0);
}

static void write_and_read(const GPtrArray *keys)
{
    GByteArray *card = key_card_pack(keys);
    insist(card != NULL);
    GPtrArray *again = card->len <= KEY_CARD_MAX_BYTES ? unpack(card) : NULL;
    GByteArray *second = again ? key_card_pack(again) : NULL;
    insist(!second || (second->len == card->len && memcmp(second->data, card->data, card->len) == 0));
    if (second)
        g_byte_array_unref(second);
    if (again)
        g_ptr_array_unref(again);
    g_byte_array_unref(card);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    GByteArray *card = g_byte_array_new();
    g_byte_array_append(card, data, (guint)len);
    GPtrArray *keys = unpack(card);
    if (!keys && card->len >= 80) {
        key_card_sign(card);
        keys = unpack(card);
    }
    for (guint i = 0; keys && i < keys->len; i++)
        look_at(keys->pdata[i]);
    if (keys) {
        write_and_read(keys);
        g_ptr_array_unref(keys);
    }
    g_byte_array_unref(card);
    return 0;
}
