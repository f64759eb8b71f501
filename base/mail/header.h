/* header: the fields in front of a message (RFC 5322), as they came. */
#ifndef BASE_MAIL_HEADER_H
#define BASE_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

struct limits_met;

struct header {
    const char *name;  /* in the raw bytes, not terminated */
    size_t name_len;   /* without blanks before the colon */
    const char *value; /* what follows the colon, folded as it came */
    size_t value_len;  /* without the last CRLF */
    const char *start; /* whole field, name to last CRLF (which the input's end may cut) */
    size_t len;
    bool dropped; /* not to be sent on outside the ciphertext */
};

/* All of them, and what follows; lent. */
struct header_block {
    const struct header *headers;
    size_t count;
    const char *body;
    size_t body_len;
};

/* The fields from raw on, an mbox From_ line in front left out, until a line that is none or the first
 * beyond header_bytes or header_count (base/config/limits.h). g_free; the array's pointers are lent from raw.
 * *end_r: behind the last. met (may be NULL): which limits they meet. */
struct header *header_scan(const char *raw, size_t len, struct limits_met *met, size_t *count_r,
                           const char **end_r);

/* Compares a header's name, ignoring case. */
bool header_is(const struct header *h, const char *name);
bool header_starts(const struct header *h, const char *prefix);
/* Content-* and MIME-Version: they describe the body. */
bool header_is_structural(const struct header *h);
/* Decoded (RFC 2047), unfolded UTF-8 text of a header's first line_bytes (base/config/limits.h); g_free. */
char *header_text(const struct header *h, struct limits_met *met);

#endif
