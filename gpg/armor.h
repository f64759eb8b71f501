/* armor: OpenPGP's ASCII armor (RFC 4880 section 6), written as a stream and read strictly. */
#ifndef GPG_ARMOR_H
#define GPG_ARMOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct armor {
    struct bytes *out; /* lent */
    uint32_t crc;
    unsigned char line[48]; /* bytes that do not fill a line yet */
    size_t line_len;
};

/* One block, lines ended by CRLF; label is "MESSAGE", "PUBLIC KEY BLOCK". */
void armor_begin(struct armor *a, struct bytes *out, const char *label);
void armor_add(struct armor *a, const unsigned char *data, size_t len);
void armor_end(struct armor *a, const char *label);

/* Text that begins with a block of this label: appends what it holds to out and sets *used_r to
 * the length up to and with the END line (may be NULL). False if anything in it is not as it must
 * be: foreign characters, padding inside, a wrong checksum, header lines it does not know. */
bool armor_read(const char *text, size_t len, const char *label, struct bytes *out,
                size_t *used_r);
/* Appends what strict base64 holds; blanks and line ends may stand anywhere. */
bool armor_base64(const char *text, size_t len, struct bytes *out);

#endif
