/* message: one mail, its bytes as received and GMime's view of them.
 *
 * The raw bytes (CRLF line ends) stay the caller's and must outlive it; nothing is ever written
 * back from GMime's tree. Only base/message_tree.c includes GMime. */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/decode.h"

struct header {
    const char *name;  /* in the raw bytes, not terminated */
    size_t name_len;   /* without blanks before the colon */
    const char *value; /* what follows the colon, folded as it came */
    size_t value_len;  /* without the last CRLF */
    const char *start; /* whole field, name to last CRLF (which the input's end may cut) */
    size_t len;
    bool dropped; /* not to be sent on outside the ciphertext */
};

struct message {
    const char *raw;
    size_t len;
    struct header *headers; /* in order; an mbox From_ line in front is left out */
    size_t header_count;
    const char *body; /* after the empty line; may be the end */
    size_t body_len;
    struct message_tree *tree; /* GMime's objects; NULL if they could not be made */
};

enum part_kind { PART_LEAF, PART_MULTIPART, PART_MESSAGE };

enum part_defect {
    PART_NO_BOUNDARY = 1, /* a multipart that names none */
    PART_NO_PARTS = 2,    /* a multipart whose boundary never comes */
    PART_NOT_CLOSED = 4,  /* a multipart without its last boundary */
    PART_ODD_ENCODING = 8,
    PART_DIRTY_BASE64 = 16, /* other bytes in it, or more of it behind a '=' */
};

/* How much of a leaf is decoded for data: attachments are not read, their first bytes are. */
#define PART_TEXT_BYTES (256 * 1024)
#define PART_OTHER_BYTES 512

struct message_part {
    enum part_kind kind;
    int depth;           /* the root is 0 */
    const char *type;    /* "text/plain", lower case */
    const char *charset; /* NULL if not given */
    const char *name;    /* file name, NULL if none */
    bool attachment;     /* Content-Disposition: attachment */
    int defects;         /* of enum part_defect */
    const unsigned char *data; /* the first bytes of a leaf, decoded; NULL for others */
    size_t len;
    enum decode_encoding encoding; /* of a leaf */
    const char *raw;     /* a leaf's content as it came; NULL for others */
    size_t raw_len;
    const char *head; /* a leaf's header lines as they came, as far as they are known */
    size_t head_len;
    const char *before, *after; /* a multipart's preamble and epilogue; NULL if none */
    const char *from, *subject; /* an inner message's, as they came; NULL if none */
};

/* Never NULL: what GMime cannot read still has raw bytes, headers and body. A line that is no
 * header ends them, and the body begins with it; so does the first field beyond header_bytes or
 * header_count (base/limits.h). GMime sees no more than it can bear (base/message_limits.h); where
 * that is nothing, tree stays NULL. */
struct message *message_new(const char *raw, size_t len);
void message_free(struct message **m);
/* The headers alone, before the body is there: what message_new would see. g_free; the array's
 * pointers are lent from raw. */
struct header *message_scan_headers(const char *raw, size_t len, size_t *count_r);

/* Compares a header's name, ignoring case. */
bool header_is(const struct header *h, const char *name);
bool header_starts(const struct header *h, const char *prefix);
/* Content-* and MIME-Version: they describe the body. */
bool header_is_structural(const struct header *h);
/* First header of that name, NULL if none. */
const struct header *message_header(const struct message *m, const char *name);
/* Decoded (RFC 2047), unfolded UTF-8 text of a header's first line_bytes (base/limits.h); g_free. */
char *header_text(const struct header *h);

/* "multipart/encrypted", lower case; "text/plain" if unknown. Lent. */
const char *message_type(const struct message *m);
/* A parameter of the root's Content-Type, NULL if none. Lent. */
const char *message_type_param(const struct message *m, const char *name);
/* Calls fn for every part, parents first; what it gets lasts for the call. Decoded content is
 * wiped after it. Without a tree the raw body is one text/plain leaf. Base64 and quoted-printable
 * are decoded as lenient readers do it (base/decode.h). */
void message_each_part(const struct message *m, void (*fn)(const struct message_part *, void *),
                       void *arg);

#endif
