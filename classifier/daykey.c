/* Encrypts the store's records with one key per day, and destroys old keys. Called by the keeper, and for dates
 * by model*.c and known_sender.c. */
#include "classifier/daykey.h"

#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sitekey.h"

enum { NONCE = 12, TAG = 16 };

char *daykey_day(int days_ago)
{
    const time_t at = time(NULL) - (time_t)days_ago * 86400;
    struct tm tm;
    char text[16];
    gmtime_r(&at, &tm);
    strftime(text, sizeof text, "%Y-%m-%d", &tm);
    return g_strdup(text);
}

static char *key_folder(const char *site_key_file)
{
    return g_strconcat(site_key_file, ".d", NULL);
}

static bool load(const struct daykey *k, bool create, struct sitekey *key_r, char **error_r)
{
    g_autofree char *folder = key_folder(k->site_key_file);
    g_autofree char *file = g_build_filename(folder, k->day, NULL);
    const bool there = !create || access(file, F_OK) == 0;
    const bool made = there || mkdir(folder, 0700) == 0 || errno == EEXIST;
    if (!made)
        *error_r = g_strdup_printf("%s: %s", folder, g_strerror(errno));
    const bool ok = made && sitekey_load(file, create, key_r, error_r);
    return ok;
}

static gcry_cipher_hd_t cipher_new(const struct sitekey *key, const void *nonce, const char *bound)
{
    gcry_cipher_hd_t cipher = NULL;
    if (gcry_cipher_open(&cipher, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, 0))
        return NULL;
    if (gcry_cipher_setkey(cipher, key->bytes, sizeof key->bytes) ||
        gcry_cipher_setiv(cipher, nonce, NONCE) ||
        gcry_cipher_authenticate(cipher, bound, strlen(bound))) {
        gcry_cipher_close(cipher);
        return NULL;
    }
    return cipher;
}

bool daykey_seal(const struct daykey *k, const GByteArray *plain, GByteArray *sealed,
                 char **error_r)
{
    struct sitekey key;
    if (!load(k, true, &key, error_r))
        return false;
    unsigned char nonce[NONCE], tag[TAG];
    gcry_create_nonce(nonce, sizeof nonce);
    gcry_cipher_hd_t cipher = cipher_new(&key, nonce, k->bound);
    g_autofree unsigned char *out = g_malloc((gsize)plain->len + 1);
    const bool ok = cipher && !gcry_cipher_encrypt(cipher, out, plain->len, plain->data, plain->len) &&
                    !gcry_cipher_gettag(cipher, tag, sizeof tag);
    if (ok) {
        g_byte_array_append(sealed, nonce, sizeof nonce);
        g_byte_array_append(sealed, out, plain->len);
        g_byte_array_append(sealed, tag, sizeof tag);
    } else {
        *error_r = g_strdup("the record could not be sealed");
    }
    gcry_cipher_close(cipher);
    explicit_bzero(&key, sizeof key);
    return ok;
}

GByteArray *daykey_open(const struct daykey *k, const GByteArray *sealed)
{
    struct sitekey key;
    g_autofree char *error = NULL;
    if (sealed->len < NONCE + TAG)
        return NULL;
    if (!load(k, false, &key, &error))
        return NULL;
    const guint len = sealed->len - NONCE - TAG;
    GByteArray *plain = g_byte_array_sized_new(len + 1);
    g_byte_array_set_size(plain, len);
    gcry_cipher_hd_t cipher = cipher_new(&key, sealed->data, k->bound);
    if (!cipher || gcry_cipher_decrypt(cipher, plain->data, len, sealed->data + NONCE, len) ||
        gcry_cipher_checktag(cipher, sealed->data + NONCE + len, TAG))
        g_clear_pointer(&plain, g_byte_array_unref);
    gcry_cipher_close(cipher);
    explicit_bzero(&key, sizeof key);
    return plain;
}

/* Changes the mode through the open file: the keeper's sandbox limits which files it can open, but not chmod by
 * path. */
static bool make_writable(const char *file)
{
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const bool ok = fd >= 0 && fchmod(fd, 0600) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Overwrites the key before unlinking it: on most file systems that erases the old bytes on the disk. */
static bool destroy(const char *file)
{
    static const char zeros[64] = {0};
    if (make_writable(file)) {
        const int fd = open(file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0 && write(fd, zeros, sizeof zeros) == (ssize_t)sizeof zeros)
            fsync(fd);
        if (fd >= 0)
            close(fd);
    }
    return unlink(file) == 0;
}

int daykey_destroy_before(const char *site_key_file, const char *day)
{
    g_autofree char *folder = key_folder(site_key_file);
    GDir *dir = g_dir_open(folder, 0, NULL);
    int count = 0;
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        if (strcmp(name, day) < 0 && destroy(file))
            count++;
    }
    if (dir)
        g_dir_close(dir);
    return count;
}
