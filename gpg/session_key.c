/* Reads PKESK and SKESK packets strictly: one that no program can use is text in disguise. Called by ciphertext.c. */
#include "gpg/session_key.h"

#include <stddef.h>

#define RSA 1
#define RSA_ENCRYPT_ONLY 2
#define ELGAMAL 16
#define ECDH 18
#define X25519 25
#define X448 26
#define ML_KEM_768_X25519 35
#define ML_KEM_1024_X448 36

#define MPI_BITS_MIN 500 /* an ECDH point is a number, too: of 32 bytes and one */
#define MPI_BITS_MAX 16384
#define POINT_NATIVE 0x40
#define POINT_UNCOMPRESSED 4

struct octets { /* read position in a packet */
    const unsigned char *at;
    size_t len;
    struct noise *noise;
};

static bool skip(struct octets *o, size_t len)
{
    if (o->len < len)
        return false;
    o->at += len;
    o->len -= len;
    return true;
}

/* Skips bytes that should be random. */
static bool skip_random(struct octets *o, size_t len)
{
    const unsigned char *at = o->at;
    if (!skip(o, len))
        return false;
    noise_add(o->noise, at, len);
    return true;
}

/* Reads the head of a number (RFC 4880 section 3.2), whose length in bits is exact. *len_r: its length in bytes. */
static bool skip_mpi_head(struct octets *o, size_t *len_r)
{
    if (o->len < 3)
        return false;
    const size_t bits = (size_t)(o->at[0] << 8 | o->at[1]);
    *len_r = (bits + 7) / 8;
    return bits && bits <= MPI_BITS_MAX && o->at[2] >> ((bits - 1) % 8) == 1 && skip(o, 2);
}

/* Skips a number of RSA or ElGamal; its first byte follows the modulus. */
static bool skip_mpi(struct octets *o)
{
    size_t len;
    return skip_mpi_head(o, &len) && len * 8 >= MPI_BITS_MIN && skip(o, 1) && skip_random(o, len - 1);
}

/* Skips a point (RFC 9580 section 11.2): 32 or 56 bytes of its own kind, or two coordinates of a curve that is used.
 * The last byte of the first kind and the first of P-521 are below the others. */
static bool skip_point(struct octets *o)
{
    static const size_t coordinates[] = {32, 48, 64, 66};
    size_t len;
    if (o->len > 2 && o->at[0] == 448 >> 8 && o->at[1] == (448 & 0xff)) /* X448 without a mark, zero bits in front or not */
        return skip(o, 2) && skip_random(o, 56);
    if (!skip_mpi_head(o, &len))
        return false;
    const int kind = o->at[0];
    if (kind == POINT_NATIVE && (len == 1 + 32 || len == 1 + 56))
        return skip(o, 1) && skip_random(o, len - 2) && skip(o, 1);
    for (size_t i = 0; kind == POINT_UNCOMPRESSED && i < sizeof coordinates / sizeof *coordinates; i++)
        if (len == 1 + 2 * coordinates[i])
            return skip(o, 2) && skip_random(o, len - 2);
    return false;
}

/* Skips a counted string: the session key, wrapped in steps of 8 bytes (RFC 3394); version 3 of the newer algorithms
 * has the cipher in front (RFC 9580 section 5.1.6). */
static bool skip_wrapped(struct octets *o, bool cipher)
{
    const size_t len = o->len ? o->at[0] : 0, wrapped = cipher && len ? len - 1 : len;
    return wrapped >= 24 && wrapped <= 64 && wrapped % 8 == 0 && skip(o, 1 + len - wrapped) && skip_random(o, wrapped);
}

static bool skip_fields(struct octets *o, int algorithm, int version)
{
    const bool cipher = version == 3;
    switch (algorithm) {
    case RSA:
    case RSA_ENCRYPT_ONLY:
        return skip_mpi(o);
    case ELGAMAL:
        return skip_mpi(o) && skip_mpi(o);
    case ECDH:
        return skip_point(o) && skip_wrapped(o, false);
    case X25519:
        return skip_random(o, 31) && skip(o, 1) && skip_wrapped(o, cipher);
    case X448:
        return skip_random(o, 56) && skip_wrapped(o, cipher);
    case ML_KEM_768_X25519:
        return skip_random(o, 31) && skip(o, 1) && skip_random(o, 1088) && skip_wrapped(o, cipher);
    case ML_KEM_1024_X448:
        return skip_random(o, 56 + 1568) && skip_wrapped(o, cipher);
    default:
        return false;
    }
}

static uint64_t id_at(const unsigned char *data)
{
    uint64_t id = 0;
    for (int i = 0; i < 8; i++)
        id = id << 8 | data[i];
    return id;
}

/* Version 6 names the key by version and fingerprint, or not at all. A key's id are the last bytes of a fingerprint
 * of version 4, the first ones of version 6. */
static bool take_fingerprint(struct octets *o, uint64_t *id_r)
{
    const unsigned char *field = o->at;
    const size_t len = o->len ? field[0] : 0;
    *id_r = 0;
    if (!skip(o, 1 + len))
        return false;
    if (len == 1 + 20 && field[1] == 4)
        *id_r = id_at(field + 2 + 12);
    else if (len == 1 + 32 && field[1] == 6)
        *id_r = id_at(field + 2);
    else
        return len == 0;
    return true;
}

bool session_key_of_public(const struct packet *k, uint64_t *id_r, int *version_r, struct session_key_noise *noise)
{
    struct octets o = {k->data, k->first_len, &noise->rest};
    if (k->chunked || k->first_len < 12)
        return false;
    *version_r = o.at[0];
    *id_r = id_at(o.at + 1);
    if (*version_r == 3)
        skip(&o, 1 + 8);
    else if (*version_r != 6 || !skip(&o, 1) || !take_fingerprint(&o, id_r) || !o.len)
        return false;
    if (*id_r)
        noise_add(&noise->ids, k->data + 1, (size_t)(o.at - k->data) - 1);
    const int algorithm = o.at[0];
    return skip(&o, 1) && skip_fields(&o, algorithm, *version_r) && !o.len;
}

/* ---- passphrases ---- */

/* Skips how the key is made of the passphrase (RFC 9580 section 3.7.1). */
static bool skip_s2k(struct octets *o)
{
    const int kind = o->len ? o->at[0] : -1;
    const int hash = o->len > 1 ? o->at[1] : 0;
    if (kind == 4)
        return skip(o, 1) && skip_random(o, 16) && skip(o, 3);
    if (hash < 1 || hash > 14)
        return false;
    if (kind != 0 && kind != 1 && kind != 3)
        return false;
    return skip(o, 2) && (kind == 0 || skip_random(o, 8)) && (kind != 3 || skip(o, 1));
}

static bool is_cipher(int c)
{
    return c >= 1 && c <= 13;
}

static bool is_key_length(size_t len)
{
    return len == 16 || len == 24 || len == 32;
}

/* Versions 5 and 6: the mode, its nonce, the session key and a tag. */
static bool is_authenticated(struct octets *o, int version)
{
    static const size_t nonces[] = {16, 15, 12};
    if (version == 6 && !skip(o, 1)) /* a length */
        return false;
    const int mode = o->len > 1 ? o->at[1] : 0;
    if (mode < 1 || mode > 3 || !is_cipher(o->at[0]) || !skip(o, version == 6 ? 3 : 2) || !skip_s2k(o))
        return false;
    return skip_random(o, nonces[mode - 1]) && o->len > 16 && is_key_length(o->len - 16) && skip_random(o, o->len);
}

bool session_key_of_passphrase(const struct packet *k, struct session_key_noise *noise)
{
    struct octets o = {k->data, k->first_len, &noise->rest};
    const int version = o.len ? o.at[0] : 0;
    if (k->chunked || !skip(&o, 1))
        return false;
    if (version == 5 || version == 6)
        return is_authenticated(&o, version);
    return version == 4 && o.len && is_cipher(o.at[0]) && skip(&o, 1) && skip_s2k(&o) &&
           (!o.len || (is_key_length(o.len - 1) && skip_random(&o, o.len)));
}
