/* Recognises an encrypted OpenPGP message by its packets. Called by encrypted.c. */
#include "gpg/ciphertext.h"

#include <stdint.h>
#include <string.h>

#include "gpg/noise.h"
#include "gpg/packets.h"
#include "gpg/session_key.h"

/* Enough for a large mailing list that encrypts to its members. */
#define SESSION_KEYS_MAX 1000
#define PASSPHRASES_MAX 8
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

static bool is_encrypted_data(const struct packet *k, int session_key_version)
{
    if (k->first_len < (k->chunked ? FIRST_CHUNK_BYTES_MIN : CIPHERTEXT_BYTES_MIN) ||
        k->total_len < CIPHERTEXT_BYTES_MIN || !fits(k, session_key_version))
        return false;
    struct noise noise = {0};
    struct packet_chunk c = {0};
    /* The first chunk begins with the version and, of an authenticated packet, its algorithms. */
    const size_t head = k->tag == PACKET_AEAD || k->data[0] == 2 ? 4 : 1;
    for (size_t skipped = head; packets_next_chunk(k, &c); skipped = 0)
        noise_add(&noise, c.data + skipped, c.len - skipped);
    return !noise_has_text(&noise);
}

/* *version_r: that of all PKESK packets so far; 0: there were none. */
static bool take_public(const struct packet *k, GArray *ids, int *version_r, struct session_key_noise *noise)
{
    const int before = *version_r;
    uint64_t id;
    if (!session_key_of_public(k, &id, version_r, noise) || (before && before != *version_r) ||
        ids->len >= SESSION_KEYS_MAX)
        return false;
    g_array_append_val(ids, id);
    return true;
}

/* *packet_r: the first packet behind those of the session keys. */
static bool take_session_keys(struct packets *p, struct packet *packet_r, GArray *ids, int *version_r)
{
    struct session_key_noise noise = {{.uneven = true}, {.uneven = true}};
    int passphrases = 0;
    bool ok = true;
    for (; ok && (packet_r->tag == PACKET_PKESK || packet_r->tag == PACKET_SKESK); ok = ok && packets_next(p, packet_r))
        ok = packet_r->tag == PACKET_PKESK ? take_public(packet_r, ids, version_r, &noise)
                                           : ++passphrases <= PASSPHRASES_MAX && session_key_of_passphrase(packet_r, &noise);
    return ok && *version_r && !noise_has_text(&noise.ids) && !noise_has_text(&noise.rest);
}

bool ciphertext_is(const unsigned char *data, size_t len, GArray *ids)
{
    struct packets p = {data, len, false};
    struct packet k;
    int version = 0;
    if (!packets_next(&p, &k) || (is_marker(&k) && !packets_next(&p, &k)))
        return false;
    return take_session_keys(&p, &k, ids, &version) && p.len == 0 && (k.tag == PACKET_SEIPD || k.tag == PACKET_AEAD) &&
           is_encrypted_data(&k, version);
}

size_t ciphertext_head(const unsigned char *data, size_t len)
{
    struct packets p = {data, len, false};
    struct packet k;
    while (packets_next(&p, &k))
        if (k.tag != PACKET_PKESK && k.tag != PACKET_SKESK && k.tag != PACKET_MARKER)
            return (size_t)(k.data - data);
    return len;
}
