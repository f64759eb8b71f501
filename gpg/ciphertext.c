/* Recognises an encrypted OpenPGP message by its packets. Called by encrypted.c. */
#include "gpg/ciphertext.h"

#include <stdint.h>
#include <string.h>

#include "gpg/beside.h"
#include "gpg/packets.h"
#include "gpg/session_key.h"

/* Enough for a large mailing list that encrypts to its members. */
#define SESSION_KEYS_MAX 1000
#define CIPHERTEXT_BYTES_MIN (1 + 16 + 2 + 20)
#define FIRST_CHUNK_BYTES_MIN 512 /* RFC 4880 section 4.2.2.4 */

/* PGP of Symantec begins each message with this packet, which says nothing (RFC 4880 section 5.8). */
static bool is_marker(const struct packet *k)
{
    return k->tag == PACKET_MARKER && !k->chunked && k->first_len == 3 && !memcmp(k->data, "PGP", 3);
}

/* Cipher, mode and chunk size, as AEAD packets tell them (RFC 9580 section 5.13.2). */
static bool are_algorithms(const unsigned char *said, int chunk_max)
{
    return said[0] >= 1 && said[0] <= 13 && said[1] >= 1 && said[1] <= 3 && said[2] <= chunk_max;
}

/* Version 3 of session keys goes with version 1, and with GnuPG's AEAD packet; version 6 with version 2. */
static bool fits(const struct packet *k, int session_key_version)
{
    const int version = k->data[0];
    if (k->tag == PACKET_AEAD)
        return session_key_version == 3 && version == 1 && are_algorithms(k->data + 1, 56);
    if (version == 2)
        return session_key_version == 6 && are_algorithms(k->data + 1, 16);
    return session_key_version == 3 && version == 1;
}

/* all: length of the packet with the lengths of its chunks. */
static bool is_encrypted_data(const struct packet *k, size_t all, int session_key_version)
{
    return k->first_len >= (k->chunked ? FIRST_CHUNK_BYTES_MIN : CIPHERTEXT_BYTES_MIN) &&
           k->total_len >= CIPHERTEXT_BYTES_MIN && fits(k, session_key_version) &&
           !beside_has_text(k->data + 1, all - 1, MIN(all - 1, BESIDE_TEXT_BYTES));
}

/* *version_r: that of all PKESK packets so far; 0: there were none. */
static bool take_public(const struct packet *k, GArray *ids, int *version_r)
{
    const int before = *version_r;
    uint64_t id;
    if (!session_key_of_public(k, &id, version_r) || (before && before != *version_r) ||
        ids->len >= SESSION_KEYS_MAX || beside_has_text(k->data, k->first_len, BESIDE_TEXT_BYTES))
        return false;
    g_array_append_val(ids, id);
    return true;
}

bool ciphertext_is(const unsigned char *data, size_t len, GArray *ids)
{
    struct packets p = {data, len, false};
    struct packet k;
    int version = 0;
    bool ok = packets_next(&p, &k);
    if (ok && is_marker(&k))
        ok = packets_next(&p, &k);
    for (; ok && (k.tag == PACKET_PKESK || k.tag == PACKET_SKESK); ok = ok && packets_next(&p, &k))
        ok = k.tag == PACKET_PKESK ? take_public(&k, ids, &version) : session_key_of_passphrase(&k);
    return ok && version && p.len == 0 && (k.tag == PACKET_SEIPD || k.tag == PACKET_AEAD) &&
           is_encrypted_data(&k, (size_t)(p.data - k.data), version);
}
