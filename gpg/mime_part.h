/* mime_part: the parts of a multipart, split strictly and one after the other; none is decoded before it is asked for. */
#ifndef GPG_MIME_PART_H
#define GPG_MIME_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/mail/header.h"
#include "gpg/mime_text.h"

/* How content is encoded. Twice the same field, or an unknown word: mail readers differ in what they make of it. */
enum mime_part_coding { MIME_PART_UNKNOWN, MIME_PART_PLAIN, MIME_PART_BASE64, MIME_PART_QP };
enum mime_part_coding mime_part_coding(const struct header *fields, size_t count);
/* Sets *content_r to the decoded body: a stretch of it, or what it appends to held. False if it is not encoded so. */
bool mime_part_decode(enum mime_part_coding coding, struct mime_text body, struct bytes *held,
                      struct mime_text *content_r);

/* The type in lower case, without parameters; "text/plain" if none is given; NULL if it is not written plainly. */
char *mime_part_type(const struct header *fields, size_t count);

struct mime_parts { /* where splitting is; start with boundary and what is left: the body */
    const char *boundary;
    struct mime_text left;
};
/* Sets *before_r to what stands before the next delimiter line (RFC 2046 section 5.1.1): first the preamble, then
 * each part. *last_r: the delimiter was the closing one, and left is the epilogue. False if there is none. */
bool mime_parts_next(struct mime_parts *p, struct mime_text *before_r, bool *last_r);

struct mime_part {
    struct mime_text raw, body;
    struct header *fields;
    size_t field_count;
    char *type; /* in lower case; "text/plain" if none is given */
    enum mime_part_coding coding;
};
/* Reads a part's header. False if it does not begin with a field or end with an empty line, or names no one type; clear
 * it anyway. */
bool mime_part_read(struct mime_part *p, struct mime_text raw);
void mime_part_clear(struct mime_part *p);

#endif
