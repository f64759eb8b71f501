/* message_part: the facts about one part of a message (RFC 2045). */
#ifndef BASE_MAIL_MESSAGE_PART_H
#define BASE_MAIL_MESSAGE_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/decode.h"

enum part_kind { PART_LEAF, PART_MULTIPART, PART_MESSAGE };

enum part_defect {
    PART_NO_BOUNDARY = 1, /* a multipart without a boundary parameter */
    PART_NO_PARTS = 2,    /* a multipart whose boundary never occurs */
    PART_NOT_CLOSED = 4,  /* a multipart without its closing boundary */
    PART_ODD_ENCODING = 8,
    PART_DIRTY_BASE64 = 16, /* bytes that are not base64, or base64 after a '=' */
};

/* How many bytes of a leaf are decoded into data: of text, and of other types. */
#define PART_TEXT_BYTES (256 * 1024)
#define PART_OTHER_BYTES 512

struct message_part {
    enum part_kind kind;
    int depth;           /* the root is 0 */
    const char *type;    /* "text/plain", lower case */
    const char *charset; /* NULL if none is given */
    const char *name;    /* file name, NULL if none */
    bool attachment;     /* Content-Disposition: attachment */
    int defects;         /* of enum part_defect */
    const unsigned char *data; /* a leaf's first bytes, decoded; else NULL */
    size_t len;
    enum decode_encoding encoding; /* of a leaf */
    const char *raw;     /* a leaf's content, still encoded; else NULL */
    size_t raw_len;
    const char *head; /* a leaf's header lines as received, as far as known */
    size_t head_len;
    const char *before, *after; /* a multipart's preamble and epilogue; NULL if none */
    const char *from, *subject; /* of an inner message, as received; else NULL */
};

/* True if type or name promises text (also HTML and SVG): a mail client shows a file by its name, whatever its
 * type says. */
bool message_part_is_text(const struct message_part *part);
/* True if type or name says HTML, SVG or the like. */
bool message_part_is_html(const struct message_part *part);
/* True if message_part_is_text, or if only the content can tell: a part that has no file name, is no
 * attachment, and whose type is not always binary. */
bool message_part_may_be_text(const struct message_part *part);

#endif
