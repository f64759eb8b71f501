/* ber: reads ASN.1 values in BER or DER (X.690), strictly and without recursion into what nobody asked for. */
#ifndef GPG_BER_H
#define GPG_BER_H

#include <stdbool.h>
#include <stddef.h>

enum ber_tag {
    BER_INTEGER = 0x02,
    BER_BITS = 0x03,
    BER_OCTETS = 0x04,
    BER_NULL = 0x05,
    BER_OID = 0x06,
    BER_UTF8 = 0x0c,
    BER_NUMERIC = 0x12,
    BER_PRINTABLE = 0x13,
    BER_T61 = 0x14,
    BER_IA5 = 0x16,
    BER_UTC_TIME = 0x17,
    BER_TIME = 0x18,
    BER_UNIVERSAL = 0x1c,
    BER_BMP = 0x1e,
    BER_SEQUENCE = 0x30,
    BER_SET = 0x31,
    BER_CONTEXT = 0x80,      /* + number */
    BER_CONTEXT_HOLDS = 0xa0 /* + number: with elements inside */
};

struct ber { /* read position in encoded values */
    const unsigned char *data;
    size_t len;
};

/* Reads the next element. False at the end, or if it is malformed. Lengths may be left open; content is without the
 * two zero bytes that end it then. */
bool ber_next(struct ber *b, int *tag_r, struct ber *content_r);
/* The same, if the next element has this tag. False leaves b where it is. */
bool ber_take(struct ber *b, int tag, struct ber *content_r);
/* Replaces b by the content of its element, if b is exactly one element with this tag. */
bool ber_enter(struct ber *b, int tag);
bool ber_is(const struct ber *b, const void *data, size_t len);
bool ber_starts(const struct ber *b, const void *data, size_t len);

#endif
