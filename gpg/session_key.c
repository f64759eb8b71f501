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

#define MPI_BITS_MAX 16384
#define SKESK_BYTES_MAX 128 /* the longest salt, tag and key together have less */

struct octets {
    const unsigned char *at;
    size_t len;
};

static bool skip(struct octets *o, size_t len)
{
    if (o->len < len)
        return false;
    o->at += len;
    o->len -= len;
    return true;
}

/* Skips a number (RFC 4880 section 3.2), whose length in bits is exact. */
static bool skip_mpi(struct octets *o)
{
    if (o->len < 3)
        return false;
    const size_t bits = (size_t)(o->at[0] << 8 | o->at[1]);
    const unsigned top = o->at[2] >> ((bits - 1) % 8);
    return bits && bits <= MPI_BITS_MAX && top == 1 && skip(o, 2 + (bits + 7) / 8);
}

/* Skips a counted string: the wrapped session key. */
static bool skip_counted(struct octets *o)
{
    return o->len && o->at[0] && skip(o, 1 + (size_t)o->at[0]);
}

static bool skip_fields(struct octets *o, int algorithm)
{
    switch (algorithm) {
    case RSA:
    case RSA_ENCRYPT_ONLY:
        return skip_mpi(o);
    case ELGAMAL:
        return skip_mpi(o) && skip_mpi(o);
    case ECDH:
        return skip_mpi(o) && skip_counted(o);
    case X25519:
        return skip(o, 32) && skip_counted(o);
    case X448:
        return skip(o, 56) && skip_counted(o);
    case ML_KEM_768_X25519:
        return skip(o, 32 + 1088) && skip_counted(o);
    case ML_KEM_1024_X448:
        return skip(o, 56 + 1568) && skip_counted(o);
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

bool session_key_of_public(const struct packet *k, uint64_t *id_r, int *version_r)
{
    struct octets o = {k->data, k->first_len};
    if (k->chunked || k->first_len < 12)
        return false;
    *version_r = o.at[0];
    *id_r = id_at(o.at + 1);
    if (*version_r == 3)
        skip(&o, 1 + 8);
    else if (*version_r != 6 || !skip(&o, 1) || !take_fingerprint(&o, id_r) || !o.len)
        return false;
    const int algorithm = o.at[0];
    return skip(&o, 1) && skip_fields(&o, algorithm) && !o.len;
}

bool session_key_of_passphrase(const struct packet *k)
{
    return !k->chunked && k->first_len >= 4 && k->first_len <= SKESK_BYTES_MAX && k->data[0] >= 4 &&
           k->data[0] <= 6;
}
