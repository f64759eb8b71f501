/* packets: splits data into OpenPGP packets (RFC 4880 section 4) without reading their contents. */
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
    PACKET_MARKER = 10,
    PACKET_TRUST = 12, /* local notes in a keyring (RFC 4880 section 5.10); never exported */
    PACKET_PUBLIC_SUBKEY = 14,
    PACKET_SEIPD = 18,
    PACKET_AEAD = 20
};

struct packets { /* read position; start with data and len */
    const unsigned char *data;
    size_t len;
    bool bad; /* reading ended at something malformed or cut off */
};

struct packet {
    int tag;
    const unsigned char *data; /* the first chunk; lent */
    size_t first_len;          /* length of the first chunk */
    size_t total_len;          /* length of all chunks */
    size_t raw_len;            /* the same with the lengths between them */
    bool chunked;              /* has partial body lengths (RFC 4880 section 4.2.2.4) */
};

/* Reads the next packet. False at the end, or at malformed data (see bad). */
bool packets_next(struct packets *p, struct packet *packet_r);

struct packet_chunk { /* lent; start with zeros */
    const unsigned char *data;
    size_t len;
};
/* Goes to the packet's next chunk, which may be empty. False at the end. */
bool packets_next_chunk(const struct packet *packet, struct packet_chunk *chunk);

#endif
