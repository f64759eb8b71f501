/* Splits OpenPGP packets. Called by ciphertext.c, key_card.c, keyring_import.c and ring.c. */
#include "gpg/packets.h"

#include <stdint.h>

static bool take_number(struct packets *p, size_t n, uint32_t *value_r)
{
    if (p->len < n)
        return false;
    *value_r = 0;
    for (size_t i = 0; i < n; i++)
        *value_r = *value_r << 8 | p->data[i];
    p->data += n;
    p->len -= n;
    return true;
}

/* Reads a new-format length (RFC 4880 section 4.2.2). *partial_r: more chunks follow. */
static bool new_length(struct packets *p, size_t *len_r, bool *partial_r)
{
    uint32_t first, more = 0;
    *partial_r = false;
    if (!take_number(p, 1, &first))
        return false;
    if (first < 192) {
        *len_r = first;
        return true;
    }
    if (first < 224) {
        *len_r = 0;
        bool ok = take_number(p, 1, &more);
        *len_r = ((first - 192) << 8) + more + 192;
        return ok;
    }
    if (first == 255) {
        bool ok = take_number(p, 4, &more);
        *len_r = more;
        return ok;
    }
    *partial_r = true;
    *len_r = (size_t)1 << (first & 0x1f);
    return true;
}

static bool skip(struct packets *p, size_t len)
{
    if (p->len < len)
        return false;
    p->data += len;
    p->len -= len;
    return true;
}

static bool old_packet(struct packets *p, uint32_t head, struct packet *packet_r)
{
    uint32_t len = 0;
    packet_r->tag = head >> 2 & 15;
    unsigned size = head & 3;
    bool ok = size == 3 || take_number(p, (size_t)1 << size, &len);
    packet_r->first_len = packet_r->total_len = size == 3 ? p->len : len;
    packet_r->data = p->data;
    return ok && skip(p, packet_r->first_len);
}

static bool new_packet(struct packets *p, uint32_t head, struct packet *packet_r)
{
    size_t len;
    bool partial;
    packet_r->tag = head & 63;
    if (!new_length(p, &len, &partial))
        return false;
    packet_r->data = p->data;
    packet_r->first_len = len;
    packet_r->total_len = 0;
    packet_r->chunked = partial;
    for (;;) {
        packet_r->total_len += len;
        if (!skip(p, len))
            return false;
        if (!partial)
            return true;
        if (!new_length(p, &len, &partial))
            return false;
    }
}

bool packets_next(struct packets *p, struct packet *packet_r)
{
    uint32_t head;
    *packet_r = (struct packet){0};
    if (p->bad || !take_number(p, 1, &head))
        return false;
    p->bad = !(head & 0x80) ||
             !(head & 0x40 ? new_packet(p, head, packet_r) : old_packet(p, head, packet_r));
    packet_r->raw_len = p->bad ? 0 : (size_t)(p->data - packet_r->data);
    return !p->bad;
}

bool packets_next_chunk(const struct packet *packet, struct packet_chunk *chunk)
{
    if (!chunk->data) {
        *chunk = (struct packet_chunk){packet->data, packet->first_len};
        return true;
    }
    const unsigned char *end = chunk->data + chunk->len;
    struct packets left = {end, packet->raw_len - (size_t)(end - packet->data), false};
    bool partial;
    if (!left.len || !new_length(&left, &chunk->len, &partial))
        return false;
    chunk->data = left.data;
    return true;
}
