/* packets: walks OpenPGP packets (RFC 4880 section 4) without looking into them. */
#ifndef GPG_PACKETS_H
#define GPG_PACKETS_H

#include <stdbool.h>
#include <stddef.h>

enum packet_tag {
    PACKET_PKESK = 1,
    PACKET_SKESK = 3,
    PACKET_SECRET_KEY = 5,
    PACKET_PUBLIC_KEY = 6,
    PACKET_SECRET_SUBKEY = 7,
    PACKET_TRUST = 12, /* what a keyring's owner notes; never exported */
    PACKET_SEIPD = 18,
    PACKET_AEAD = 20
};

struct packets { /* a place in them; start with data, len */
    const unsigned char *data;
    size_t len;
    bool bad; /* ended by something that is no packet, or cut off */
};

struct packet {
    int tag;
    const unsigned char *data; /* its first chunk; lent */
    size_t first_len;          /* of that chunk */
    size_t total_len;          /* of all chunks */
    bool chunked;              /* partial body lengths */
};

/* The next one; false at the end or where it is bad. */
bool packets_next(struct packets *p, struct packet *packet_r);
/* True if they are an encrypted message and nothing else: PKESK (at least one) and SKESK packets,
 * then one SEIPD or AEAD packet that reaches to the end. */
bool packets_are_encrypted(const unsigned char *data, size_t len);

#endif
