/* armor: writes OpenPGP's ASCII armor (RFC 4880 section 6) as a stream, and reads it strictly. */
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

/* Writes one block, with CRLF line ends. label: "MESSAGE", "PUBLIC KEY BLOCK". */
void armor_begin(struct armor *a, struct bytes *out, const char *label);
void armor_add(struct armor *a, const unsigned char *data, size_t len);
void armor_end(struct armor *a, const char *label);

/* Reads a block with this label at the start of text: appends its decoded bytes to out and sets *used_r (may be
 * NULL) to the length up to and including the END line. False if anything in the block is malformed: foreign
 * characters, padding in the middle, a wrong checksum, unknown header lines. */
bool armor_read(const char *text, size_t len, const char *label, struct bytes *out,
                size_t *used_r);
/* Decodes strict base64 and appends the bytes to out; blanks and line ends are allowed anywhere. */
bool armor_base64(const char *text, size_t len, struct bytes *out);

#endif
