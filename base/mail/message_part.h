/* message_part: what is told of one part of a message (RFC 2045). */
#ifndef BASE_MAIL_MESSAGE_PART_H
#define BASE_MAIL_MESSAGE_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/decode.h"

enum part_kind { PART_LEAF, PART_MULTIPART, PART_MESSAGE };

enum part_defect {
    PART_NO_BOUNDARY = 1, /* a multipart that names none */
    PART_NO_PARTS = 2,    /* a multipart whose boundary never comes */
    PART_NOT_CLOSED = 4,  /* a multipart without its last boundary */
    PART_ODD_ENCODING = 8,
    PART_DIRTY_BASE64 = 16, /* other bytes in it, or more of it behind a '=' */
};

/* How much of a leaf is decoded for data: of text, and of all others. */
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

/* Whether its type or name promises text (also HTML and SVG): what a click shows as text is text, whatever
 * its type says. */
bool message_part_is_text(const struct message_part *part);
/* Whether its type or name says that it is HTML, SVG or the like. */
bool message_part_is_html(const struct message_part *part);
/* The same as the first, or a look at its content may tell: neither an attachment nor of a type that is none. */
bool message_part_may_be_text(const struct message_part *part);

#endif
