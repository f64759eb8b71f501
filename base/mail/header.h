/* header: the header fields of a message (RFC 5322, section 2.2), unparsed. */
#ifndef BASE_MAIL_HEADER_H
#define BASE_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

struct limits_met;

struct header {
    const char *name;  /* points into the raw bytes, not terminated */
    size_t name_len;   /* without blanks before the colon */
    const char *value; /* what follows the colon, still folded */
    size_t value_len;  /* without the last CRLF */
    const char *start; /* the whole field with its last CRLF (unless the input ends before it) */
    size_t len;
    bool dropped; /* do not send this field outside the ciphertext */
};

/* All fields and the body; lent. */
struct header_block {
    const struct header *headers;
    size_t count;
    const char *body;
    size_t body_len;
};

/* Splits raw into fields, without an mbox From_ line in front, up to a line that is no field, or to the first
 * field beyond header_bytes or header_count (base/config/limits.h). g_free the array; its pointers are lent
 * from raw. *end_r is what follows the last field. met (may be NULL): which limits the header meets. */
struct header *header_scan(const char *raw, size_t len, struct limits_met *met, size_t *count_r,
                           const char **end_r);
/* The same with room for HEADER_ROOM_FIELDS and HEADER_ROOM_BYTES more than header_count and header_bytes: a
 * message that filterd itself passed on within the limits comes back with fields added. Notes no limit. */
#define HEADER_ROOM_FIELDS 300
#define HEADER_ROOM_BYTES (256 * 1024)
struct header *header_scan_roomy(const char *raw, size_t len, size_t *count_r, const char **end_r);

/* Compare the field's name, or its beginning, ignoring case. */
bool header_is(const struct header *h, const char *name);
bool header_starts(const struct header *h, const char *prefix);
/* True for Content-* and MIME-Version, which describe the body. */
bool header_is_structural(const struct header *h);
/* The unfolded and decoded (RFC 2047) UTF-8 text of the value's first line_bytes (base/config/limits.h);
 * g_free. */
char *header_text(const struct header *h, struct limits_met *met);

#endif
