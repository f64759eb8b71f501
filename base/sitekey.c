/* The site key's file, and the keyed hashes made with keys derived from it. Called by the classifier, the
 * keeper, the sessions and filterctl. */
#include "base/sitekey.h"

#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#define HEX_LEN 64

/* libgcrypt must be initialised before any other call to it; GPGME may have done so already. */
static void gcrypt_once(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
        return;
    gcry_check_version(NULL);
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

static bool fail(char **error_r, const char *file, const char *what)
{
    *error_r = g_strdup_printf("%s: %s", file, what);
    return false;
}

/* Returns the number of bytes read, at most size; -1 on error. */
static ssize_t read_some(int fd, char *out, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t n = read(fd, out + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static bool parse_hex(const char *text, ssize_t len, unsigned char out[32])
{
    if (len != HEX_LEN && !(len == HEX_LEN + 1 && text[HEX_LEN] == '\n'))
        return false;
    for (int i = 0; i < 32; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]);
        int low = g_ascii_xdigit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool write_key(int fd)
{
    unsigned char raw[32];
    char text[HEX_LEN + 2];
    gcry_randomize(raw, sizeof raw, GCRY_STRONG_RANDOM);
    for (int i = 0; i < 32; i++)
        g_snprintf(text + 2 * i, 3, "%02x", raw[i]);
    text[HEX_LEN] = '\n';
    bool ok = write(fd, text, HEX_LEN + 1) == HEX_LEN + 1 && fsync(fd) == 0;
    explicit_bzero(raw, sizeof raw);
    explicit_bzero(text, sizeof text);
    return ok;
}

/* Writes the key to a temporary file and link(2)s it into place: if two processes create it at once, link fails
 * for the second, and both use the key of the first. */
static bool create_key(const char *file, char **error_r)
{
    g_autofree char *folder = g_path_get_dirname(file);
    g_mkdir_with_parents(folder, 0711); /* searchable: the keeper opens the keys of the day in it */
    g_autofree char *fresh = g_strdup_printf("%s.%d.new", file, (int)getpid());
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    bool ok = fd >= 0 && write_key(fd) && (link(fresh, file) == 0 || errno == EEXIST);
    if (!ok)
        fail(error_r, file, g_strerror(errno));
    if (fd >= 0) {
        close(fd);
        unlink(fresh);
    }
    return ok;
}

bool sitekey_load(const char *file, bool create, struct sitekey *key_r, char **error_r)
{
    gcrypt_once();
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && create) {
        if (!create_key(file, error_r))
            return false;
        fd = open(file, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0)
        return fail(error_r, file, g_strerror(errno));
    char text[HEX_LEN + 2];
    ssize_t n = read_some(fd, text, sizeof text);
    int error = errno;
    close(fd);
    bool ok = n >= 0 && parse_hex(text, n, key_r->bytes);
    explicit_bzero(text, sizeof text);
    if (!ok)
        return fail(error_r, file, n < 0 ? g_strerror(error) : "not a site key: 64 hex digits expected");
    return true;
}

static gcry_md_hd_t open_hmac(const void *key, size_t len)
{
    gcry_md_hd_t md;
    gcrypt_once();
    if (gcry_md_open(&md, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC) || gcry_md_setkey(md, key, len))
        g_error("libgcrypt has no HMAC-SHA256");
    return md;
}

void sitekey_digest(const unsigned char key[16], const struct sitekey_piece *pieces, size_t count,
                    unsigned char out[32])
{
    gcry_md_hd_t md = open_hmac(key, 16);
    for (size_t i = 0; i < count; i++) {
        const guint64 len = GUINT64_TO_LE((guint64)pieces[i].len);
        gcry_md_write(md, &len, sizeof len);
        gcry_md_write(md, pieces[i].data, pieces[i].len);
    }
    memcpy(out, gcry_md_read(md, GCRY_MD_SHA256), 32);
    gcry_md_close(md);
}

void sitekey_derive(const struct sitekey *key, const char *purpose, const char *name,
                    unsigned char out[16])
{
    gcry_md_hd_t md = open_hmac(key->bytes, sizeof key->bytes);
    /* Include purpose's NUL, so that ("ab", "c") differs from ("a", "bc"). */
    gcry_md_write(md, purpose, strlen(purpose) + 1);
    gcry_md_write(md, name, strlen(name));
    memcpy(out, gcry_md_read(md, GCRY_MD_SHA256), 16);
    gcry_md_close(md);
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline __attribute__((always_inline)) void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static uint64_t little_endian(const unsigned char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return GUINT64_FROM_LE(x);
}

uint64_t siphash(const unsigned char key[16], const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t k0 = little_endian(key), k1 = little_endian(key + 8);
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    unsigned char last[8] = {0};
    size_t whole = len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word = little_endian(p + i);
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
    }
    if (len > whole)
        memcpy(last, p + whole, len - whole);
    last[7] = (unsigned char)len;
    uint64_t word = little_endian(last);
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
