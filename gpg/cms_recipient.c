/* Reads the recipients of an enveloped S/MIME message. Called by cms.c. */
#include "gpg/cms_recipient.h"

#include <string.h>

#define VERSION_BYTES 1
#define COUNT_BYTES 4 /* iterations, key lengths */
#define SERIAL_BYTES 32
#define VALUE_BYTES 64
#define TIME_BYTES 15
#define KEY_ID_BYTES 64
#define KEY_MATERIAL_BYTES 64
#define WRAPPED_BYTES 128
#define RSA_BYTES_MIN 64
#define RSA_BYTES_MAX 2048
#define POINT_BYTES 200
#define KEM_BYTES 4096
#define VALUES_DEEP 6
#define NAME_STRING_BYTES 64
#define ADDRESS_BYTES 128
#define NAME_PARTS 12

/* ---- small values ---- */

static bool take_number(struct ber *b, size_t max)
{
    struct ber e;
    return ber_take(b, BER_INTEGER, &e) && e.len && e.len <= max;
}

/* Takes bytes that should be random. */
static bool take_random(struct noise *noise, struct ber *b, int tag, size_t max)
{
    struct ber e;
    if (!ber_take(b, tag, &e) || e.len > max)
        return false;
    noise_add(noise, e.data, e.len);
    return true;
}

/* The arcs below which algorithms have their numbers: a few bytes below them hold no text. */
static bool is_algorithm(const struct ber *oid)
{
    static const struct {
        unsigned char at[9];
        size_t len;
    } arcs[] = {
        {{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d}, 6},             /* RSADSI: PKCS, AEAD, KEM */
        {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04}, 7},       /* NIST: AES, SHA-2, ML-KEM */
        {{0x2b, 0x81, 0x04}, 3},                               /* SECG: ECDH, curves */
        {{0x2b, 0x81, 0x05, 0x10, 0x86, 0x48, 0x3f, 0x00}, 8}, /* X9.63: ECDH */
        {{0x2a, 0x86, 0x48, 0xce, 0x3d}, 5},                   /* X9.62: EC */
        {{0x2a, 0x86, 0x48, 0xce, 0x3e}, 5},                   /* X9.42: DH */
        {{0x2b, 0x0e, 0x03, 0x02}, 4},                         /* OIW: DES, SHA-1 */
        {{0x2b, 0x24, 0x03}, 3},                               /* TeleTrusT: Brainpool */
        {{0x2b, 0x65}, 2},                                     /* X25519, X448 */
        {{0x2a, 0x86, 0x48, 0x86, 0xf6, 0x7d, 0x07, 0x42}, 8}, /* Entrust: CAST5 */
        {{0x2a, 0x85, 0x03}, 3},                               /* GOST */
        {{0x2a, 0x83, 0x08, 0x8c, 0x9a, 0x4b, 0x3d}, 7},       /* Camellia */
        {{0x2a, 0x83, 0x1a, 0x8c, 0x9a, 0x44}, 6},             /* SEED */
        {{0x2a, 0x81, 0x1c, 0xcf, 0x55}, 5},                   /* SM4 */
    };
    for (size_t i = 0; i < sizeof arcs / sizeof *arcs; i++)
        if (ber_starts(oid, arcs[i].at, arcs[i].len) && oid->len > arcs[i].len && oid->len <= arcs[i].len + 6)
            return true;
    return false;
}

static bool is_time(const struct ber *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] < '0' || b->data[i] > '9')
            return i + 1 == b->len && b->data[i] == 'Z' && b->len <= TIME_BYTES;
    return false;
}

static bool is_value(struct cms_reader *r, int tag, const struct ber *e)
{
    switch (tag) {
    case BER_NULL:
        return e->len == 0;
    case BER_INTEGER:
        return e->len <= COUNT_BYTES;
    case BER_OID:
        return is_algorithm(e);
    case BER_UTC_TIME:
    case BER_TIME:
        return is_time(e);
    case BER_OCTETS:
        noise_add(&r->keys, e->data, e->len);
        return e->len <= VALUE_BYTES;
    default:
        return false;
    }
}

static bool are_values(struct cms_reader *r, struct ber b, int depth)
{
    while (b.len) {
        int tag;
        struct ber e;
        if (depth == VALUES_DEEP || !ber_next(&b, &tag, &e))
            return false;
        const bool holds = tag == BER_SEQUENCE || tag == BER_SET ||
                           (tag >= BER_CONTEXT_HOLDS && tag <= BER_CONTEXT_HOLDS + 3);
        if (holds ? !are_values(r, e, depth + 1) : !is_value(r, tag, &e))
            return false;
    }
    return true;
}

bool cms_reader_values(struct cms_reader *r, struct ber b)
{
    return are_values(r, b, 0);
}

bool cms_reader_algorithm(struct cms_reader *r, struct ber *from, struct ber *oid_r)
{
    struct ber e, oid;
    if (!ber_take(from, BER_SEQUENCE, &e) || !ber_take(&e, BER_OID, &oid) || !is_algorithm(&oid))
        return false;
    if (oid_r)
        *oid_r = oid;
    return cms_reader_values(r, e);
}

/* ---- names (RFC 5280 section 4.1.2.4) ---- */

static bool is_attribute(const struct ber *oid, size_t *max_r)
{
    static const unsigned char x520[] = {0x55, 0x04}, pkcs9[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09};
    static const unsigned char ccitt[] = {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01}; /* DC, UID */
    *max_r = ber_starts(oid, pkcs9, sizeof pkcs9) ? ADDRESS_BYTES : NAME_STRING_BYTES;
    return (ber_starts(oid, x520, sizeof x520) && oid->len == sizeof x520 + 1) ||
           (ber_starts(oid, pkcs9, sizeof pkcs9) && oid->len == sizeof pkcs9 + 1) ||
           (ber_starts(oid, ccitt, sizeof ccitt) && oid->len == sizeof ccitt + 1);
}

static bool is_string(int tag)
{
    return tag == BER_UTF8 || tag == BER_NUMERIC || tag == BER_PRINTABLE || tag == BER_T61 || tag == BER_IA5 ||
           tag == BER_UNIVERSAL || tag == BER_BMP;
}

/* Letters of these strings have two and four bytes. */
static size_t letter_bytes(int tag)
{
    return tag == BER_BMP ? 2 : tag == BER_UNIVERSAL ? 4 : 1;
}

static bool is_name(struct ber name, size_t *bytes_r)
{
    *bytes_r = 0;
    for (int count = 0; name.len; count++) {
        struct ber part, attribute, oid, text;
        int tag;
        if (count == NAME_PARTS || !ber_take(&name, BER_SET, &part) || !part.len)
            return false;
        while (part.len) {
            size_t max;
            if (!ber_take(&part, BER_SEQUENCE, &attribute) || !ber_take(&attribute, BER_OID, &oid) ||
                !is_attribute(&oid, &max) || !ber_next(&attribute, &tag, &text) || attribute.len || !is_string(tag) ||
                text.len > max * letter_bytes(tag))
                return false;
            *bytes_r += text.len;
        }
    }
    return true;
}

/* A name that was there before adds nothing to read. */
static bool take_name(struct cms_reader *r, struct ber *from)
{
    struct ber name;
    size_t bytes;
    if (!ber_take(from, BER_SEQUENCE, &name))
        return false;
    for (size_t i = 0; i < r->issuer_count; i++)
        if (ber_is(&r->issuers[i], name.data, name.len))
            return true;
    if (!is_name(name, &bytes) || r->issuer_count == CMS_ISSUERS_MAX)
        return false;
    r->issuers[r->issuer_count++] = name;
    r->name_bytes += bytes;
    return r->name_bytes <= CMS_NAMES_BYTES;
}

/* ---- recipients ---- */

/* IssuerAndSerialNumber, or [0] a key's identifier. */
static bool take_certificate(struct cms_reader *r, struct ber *from)
{
    struct ber e;
    if (!ber_take(from, BER_SEQUENCE, &e))
        return take_random(&r->ids, from, BER_CONTEXT, KEY_ID_BYTES);
    return take_name(r, &e) && take_random(&r->ids, &e, BER_INTEGER, SERIAL_BYTES) && !e.len;
}

static bool is_key_transport(struct cms_reader *r, struct ber b)
{
    struct ber key;
    if (!take_number(&b, VERSION_BYTES) || !take_certificate(r, &b) || !cms_reader_algorithm(r, &b, NULL))
        return false;
    const bool fits = ber_take(&b, BER_OCTETS, &key) && !b.len && key.len >= RSA_BYTES_MIN && key.len <= RSA_BYTES_MAX;
    if (fits)
        noise_add(&r->keys, key.data, key.len);
    return fits;
}

/* OriginatorIdentifierOrKey: a certificate, or [1] the sender's part of the agreement. */
static bool take_originator(struct cms_reader *r, struct ber *from)
{
    struct ber e, key, bits;
    if (!ber_take(from, BER_CONTEXT_HOLDS, &e))
        return false;
    if (!ber_take(&e, BER_CONTEXT_HOLDS + 1, &key))
        return take_certificate(r, &e) && !e.len;
    if (!cms_reader_algorithm(r, &key, NULL) || !ber_take(&key, BER_BITS, &bits) || key.len || e.len || bits.len < 2 ||
        bits.len > POINT_BYTES)
        return false;
    noise_add(&r->keys, bits.data + 2, bits.len - 2);
    return true;
}

static bool take_agreed_key(struct cms_reader *r, struct ber *from)
{
    struct ber e, id;
    if (!ber_take(from, BER_SEQUENCE, &e))
        return false;
    if (ber_take(&e, BER_CONTEXT_HOLDS, &id) ? !take_random(&r->ids, &id, BER_OCTETS, KEY_ID_BYTES) || id.len
                                             : !take_certificate(r, &e))
        return false;
    return take_random(&r->keys, &e, BER_OCTETS, WRAPPED_BYTES) && !e.len;
}

static bool is_key_agreement(struct cms_reader *r, struct ber b)
{
    struct ber material, keys;
    if (!take_number(&b, VERSION_BYTES) || !take_originator(r, &b))
        return false;
    if (ber_take(&b, BER_CONTEXT_HOLDS + 1, &material) &&
        (!take_random(&r->keys, &material, BER_OCTETS, KEY_MATERIAL_BYTES) || material.len))
        return false;
    if (!cms_reader_algorithm(r, &b, NULL) || !ber_take(&b, BER_SEQUENCE, &keys) || b.len || !keys.len)
        return false;
    while (keys.len)
        if (!take_agreed_key(r, &keys))
            return false;
    return true;
}

/* A key that both have: its identifier, no date and no more. */
static bool is_known_key(struct cms_reader *r, struct ber b)
{
    struct ber id;
    return take_number(&b, VERSION_BYTES) && ber_take(&b, BER_SEQUENCE, &id) &&
           take_random(&r->ids, &id, BER_OCTETS, KEY_ID_BYTES) && !id.len && cms_reader_algorithm(r, &b, NULL) &&
           take_random(&r->keys, &b, BER_OCTETS, WRAPPED_BYTES) && !b.len;
}

static bool is_password(struct cms_reader *r, struct ber b)
{
    struct ber derivation, oid;
    if (!take_number(&b, VERSION_BYTES))
        return false;
    if (ber_take(&b, BER_CONTEXT_HOLDS, &derivation) &&
        (!ber_take(&derivation, BER_OID, &oid) || !is_algorithm(&oid) || !cms_reader_values(r, derivation)))
        return false;
    return cms_reader_algorithm(r, &b, NULL) && take_random(&r->keys, &b, BER_OCTETS, WRAPPED_BYTES) && !b.len;
}

/* RFC 9629 section 3, KEMRecipientInfo. */
static bool is_encapsulation(struct cms_reader *r, struct ber b)
{
    struct ber oid, e, material;
    if (!ber_take(&b, BER_OID, &oid) || !is_algorithm(&oid) || !ber_take(&b, BER_SEQUENCE, &e) || b.len)
        return false;
    if (!take_number(&e, VERSION_BYTES) || !take_certificate(r, &e) || !cms_reader_algorithm(r, &e, NULL) ||
        !take_random(&r->keys, &e, BER_OCTETS, KEM_BYTES) || !cms_reader_algorithm(r, &e, NULL) || !take_number(&e, COUNT_BYTES))
        return false;
    if (ber_take(&e, BER_CONTEXT_HOLDS, &material) &&
        (!take_random(&r->keys, &material, BER_OCTETS, KEY_MATERIAL_BYTES) || material.len))
        return false;
    return cms_reader_algorithm(r, &e, NULL) && take_random(&r->keys, &e, BER_OCTETS, WRAPPED_BYTES) && !e.len;
}

bool cms_reader_recipients(struct cms_reader *r, struct ber set)
{
    static bool (*const others[])(struct cms_reader *, struct ber) = {is_key_agreement, is_known_key, is_password,
                                                                      is_encapsulation};
    if (!set.len)
        return false;
    while (set.len) {
        int tag;
        struct ber e;
        if (!ber_next(&set, &tag, &e))
            return false;
        const int kind = tag - (BER_CONTEXT_HOLDS + 1);
        if (tag == BER_SEQUENCE ? !is_key_transport(r, e) : kind < 0 || kind > 3 || !others[kind](r, e))
            return false;
    }
    return true;
}
