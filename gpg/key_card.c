/* Writes and reads key cards. Called by keyring_import.c to write them, by keycache.c to read them. */
#include "gpg/key_card.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpg/keyring.h"
#include "gpg/packets.h"

#define MAGIC "filterd-card "
#define VERSION "1\n"

enum {
    MAGIC_LEN = sizeof MAGIC - 1,
    CHECK_AT = MAGIC_LEN + sizeof VERSION - 1,
    CHECK_LEN = 64,
    HEAD = CHECK_AT + CHECK_LEN + 1,
};

static char *path_of(const char *home)
{
    return g_build_filename(home, KEY_CARD_FILE, NULL);
}

static void *no_card(char **why_r, const char *why)
{
    *why_r = g_strdup(why);
    return NULL;
}

/* g_free; NULL with errno if the file is no regular one, larger than max, or cannot be read. */
static char *content_of(const char *path, size_t max, size_t *len_r)
{
    struct stat st;
    size_t len = 0;
    ssize_t n = 1;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    char *text = NULL;
    if (fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size < 0 || (size_t)st.st_size > max))
        errno = EFBIG;
    else
        text = g_malloc((size_t)st.st_size + 1);
    while (text && n > 0 && len < (size_t)st.st_size)
        if ((n = read(fd, text + len, (size_t)st.st_size - len)) > 0)
            len += (size_t)n;
    if (text && n < 0)
        g_clear_pointer(&text, g_free);
    const int error = errno;
    close(fd);
    errno = error;
    *len_r = len;
    return text;
}

static char *digest_of_rest(const unsigned char *card, size_t len)
{
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, card + HEAD, len - HEAD);
}

void key_card_sign(GByteArray *card)
{
    g_assert(card->len >= HEAD);
    g_autofree char *check = digest_of_rest(card->data, card->len);
    memcpy(card->data + CHECK_AT, check, CHECK_LEN);
}

/* ---- written ---- */

/* Converts to or from little endian; takes over the reference to value. */
static GVariant *turn(GVariant *value)
{
    if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
        return value;
    GVariant *turned = g_variant_byteswap(value);
    g_variant_unref(value);
    return turned;
}

static bool is_text(const struct key_info *k)
{
    bool is = g_utf8_validate(k->user_id, -1, NULL) && g_utf8_validate(k->algorithm, -1, NULL);
    for (guint i = 0; is && i < k->addresses->len; i++)
        is = g_utf8_validate(k->addresses->pdata[i], -1, NULL);
    return is;
}

static GVariant *value_of(const struct key_info *k)
{
    GVariant *parts[] = {
        g_variant_new_string(k->fingerprint),
        g_variant_new_string(k->digest),
        g_variant_new_string(k->algorithm),
        g_variant_new_string(k->user_id),
        g_variant_new_strv((const char *const *)k->addresses->pdata, (gssize)k->addresses->len),
        g_variant_new_fixed_array(G_VARIANT_TYPE_UINT64, k->ids->data, k->ids->len, sizeof(guint64)),
        g_variant_new_boolean(k->revoked),
        g_variant_new_int64(k->created),
        g_variant_new_int64(k->key_ends),
        g_variant_new_boolean(k->has_subkey),
        g_variant_new_int64(k->subkey_starts),
        g_variant_new_int64(k->subkey_ends),
    };
    return g_variant_new_tuple(parts, G_N_ELEMENTS(parts));
}

GByteArray *key_card_pack(const GPtrArray *keys)
{
    static const char no_check[CHECK_LEN + 1] = {[CHECK_LEN] = '\n'};
    GVariantBuilder b;
    for (guint i = 0; i < keys->len; i++)
        if (!is_text(keys->pdata[i]))
            return NULL;
    g_variant_builder_init(&b, G_VARIANT_TYPE(KEY_CARD_TYPE));
    for (guint i = 0; i < keys->len; i++)
        g_variant_builder_add_value(&b, value_of(keys->pdata[i]));
    GVariant *value = turn(g_variant_ref_sink(g_variant_builder_end(&b)));
    GByteArray *card = g_byte_array_new();
    g_byte_array_append(card, (const guint8 *)MAGIC VERSION, CHECK_AT);
    g_byte_array_append(card, (const guint8 *)no_check, sizeof no_check);
    g_byte_array_append(card, g_variant_get_data(value), (guint)g_variant_get_size(value));
    key_card_sign(card);
    g_variant_unref(value);
    return card;
}

/* Public keys in a key file: the primary key and its subkeys. */
static guint count_keys(const char *text, size_t len)
{
    struct packets p = {(const unsigned char *)text, len, false};
    struct packet k;
    guint n = 0;
    while (packets_next(&p, &k))
        n += k.tag == PACKET_PUBLIC_KEY || k.tag == PACKET_PUBLIC_SUBKEY;
    return n;
}

/* Sets the digest of its file. False if that cannot be read, or holds subkeys that were not listed. */
static bool add_digest(struct key_info *k)
{
    size_t len;
    g_autofree char *text = content_of(k->file, KEY_CARD_KEY_MAX_BYTES, &len);
    g_free(k->digest);
    k->digest = text ? g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, len) : NULL;
    return text && count_keys(text, len) <= k->ids->len;
}

static GByteArray *card_of(const GPtrArray *keys)
{
    for (guint i = 0; i < keys->len; i++)
        if (!add_digest(keys->pdata[i]))
            return NULL;
    return keys->len ? key_card_pack(keys) : NULL;
}

static bool is_same(const GByteArray *a, const GByteArray *b)
{
    return a && b && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void drop(GByteArray *card)
{
    if (card)
        g_byte_array_unref(card);
}

bool key_card_write(const char *home, const GPtrArray *keys, char **error_r)
{
    GError *error = NULL;
    g_autofree char *path = path_of(home);
    GPtrArray *listed_again = keyring_keys(home, error_r);
    if (!listed_again)
        return false;
    GByteArray *card = card_of(keys), *again = card_of(listed_again);
    bool ok = true;
    if (is_same(card, again) && card->len <= KEY_CARD_MAX_BYTES)
        ok = g_file_set_contents(path, (const char *)card->data, (gssize)card->len, &error);
    if (!ok) {
        *error_r = g_strdup(error->message);
        g_error_free(error);
    }
    drop(card);
    drop(again);
    g_ptr_array_unref(listed_again);
    return ok;
}

/* ---- read ---- */

static bool is_hex(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "0123456789abcdefABCDEF") == len;
}

static struct key_info *key_of(GVariant *value, const char *home)
{
    struct key_info *k = g_new0(struct key_info, 1);
    gboolean revoked, has_subkey;
    GVariantIter *addresses, *ids;
    char *address;
    guint64 id;
    g_variant_get(value, "(ssssasatbxxbxx)", &k->fingerprint, &k->digest, &k->algorithm, &k->user_id, &addresses, &ids,
                  &revoked, &k->created, &k->key_ends, &has_subkey, &k->subkey_starts, &k->subkey_ends);
    k->addresses = g_ptr_array_new_with_free_func(g_free);
    while (g_variant_iter_next(addresses, "s", &address))
        g_ptr_array_add(k->addresses, address);
    k->ids = g_array_new(FALSE, FALSE, sizeof id);
    while (g_variant_iter_next(ids, "t", &id))
        g_array_append_val(k->ids, id);
    g_variant_iter_free(addresses);
    g_variant_iter_free(ids);
    k->revoked = revoked;
    k->has_subkey = has_subkey;
    k->file = g_strdup_printf("%s/%s.pgp", home, k->fingerprint);
    return k;
}

/* True if these can be the values of a key; its fingerprint becomes part of a path. */
static bool is_key(const struct key_info *k)
{
    return (is_hex(k->fingerprint, 40) || is_hex(k->fingerprint, 64)) && is_hex(k->digest, 64) && k->created >= 0 &&
           k->key_ends >= 0 && k->subkey_starts >= 0 && k->subkey_ends >= 0;
}

static bool has_key(const GPtrArray *keys, const char *fingerprint)
{
    for (guint i = 0; i < keys->len; i++)
        if (!strcmp(((const struct key_info *)g_ptr_array_index(keys, i))->fingerprint, fingerprint))
            return true;
    return false;
}

static GPtrArray *keys_of(GVariant *value, const char *home)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)(void *)key_info_free);
    GVariantIter each;
    GVariant *child;
    bool ok = true;
    g_variant_iter_init(&each, value);
    while ((child = g_variant_iter_next_value(&each))) {
        struct key_info *k = key_of(child, home);
        ok &= is_key(k) && !has_key(keys, k->fingerprint);
        g_ptr_array_add(keys, k);
        g_variant_unref(child);
    }
    if (ok && keys->len)
        return keys;
    g_ptr_array_unref(keys);
    return NULL;
}

GPtrArray *key_card_unpack(const void *card, size_t len, const char *home, char **why_r)
{
    const unsigned char *data = card;
    if (len < HEAD || len > KEY_CARD_MAX_BYTES || memcmp(data, MAGIC, MAGIC_LEN) != 0 || data[HEAD - 1] != '\n')
        return no_card(why_r, "the key card is none");
    if (memcmp(data + MAGIC_LEN, VERSION, CHECK_AT - MAGIC_LEN) != 0)
        return no_card(why_r, "the key card is of another version");
    g_autofree char *check = digest_of_rest(data, len);
    if (memcmp(check, data + CHECK_AT, CHECK_LEN) != 0)
        return no_card(why_r, "the key card is damaged");
    GBytes *rest = g_bytes_new(data + HEAD, len - HEAD);
    GVariant *value = turn(g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(KEY_CARD_TYPE), rest, FALSE)));
    GPtrArray *keys = g_variant_is_normal_form(value) ? keys_of(value, home) : NULL;
    g_variant_unref(value);
    g_bytes_unref(rest);
    return keys ? keys : no_card(why_r, "the key card is malformed");
}

static bool has_its_file(const struct key_info *k)
{
    size_t len;
    g_autofree char *text = content_of(k->file, KEY_CARD_KEY_MAX_BYTES, &len);
    g_autofree char *digest = text ? g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, len) : NULL;
    return g_strcmp0(digest, k->digest) == 0;
}

GPtrArray *key_card_read(const char *home, char **why_r)
{
    size_t len;
    g_autofree char *path = path_of(home), *card = NULL;
    *why_r = NULL;
    card = content_of(path, KEY_CARD_MAX_BYTES, &len);
    if (!card)
        return errno == ENOENT ? NULL : no_card(why_r, "the key card cannot be read");
    GPtrArray *keys = key_card_unpack(card, len, home, why_r);
    for (guint i = 0; keys && i < keys->len; i++)
        if (!has_its_file(keys->pdata[i])) {
            g_clear_pointer(&keys, g_ptr_array_unref);
            *why_r = g_strdup("the key card is about another key file");
        }
    return keys;
}
