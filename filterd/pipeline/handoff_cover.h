/* handoff_cover: what a proof (handoff.h) covers of a message, as keyed digests in hex.
 *
 * Each is made of a form that Postfix between the legs leaves alone. It cuts a line of a
 * field at a NUL, and a field at header_size_limit (100 KB): what follows does not count. It folds anew: blanks count as in DKIM's relaxed form
 * (RFC 6376, section 3.4.2). It writes a missing From, and completes or replaces addresses in it, for local
 * clients: see enum handoff_cover_from. */
#ifndef FILTERD_PIPELINE_HANDOFF_COVER_H
#define FILTERD_PIPELINE_HANDOFF_COVER_H

#include <stdbool.h>

#include "base/mail/header.h"

/* Bytes of hex and a NUL: of a field, and of the body. */
#define HANDOFF_COVER_SHORT 17
#define HANDOFF_COVER_LONG 33

/* How From is covered. The letters stand in the proof. */
enum handoff_cover_from {
    HANDOFF_COVER_FROM_EXACT = 'e', /* as it stands */
    HANDOFF_COVER_FROM_ADDED = 'a', /* there is none: Postfix may write one with the sender's address */
    HANDOFF_COVER_FROM_NAMES = 'n', /* without domains: Postfix may complete an address that lacks its own */
    HANDOFF_COVER_FROM_FREE = 'f'   /* not at all: Postfix rewrites what local clients say by its tables */
};

/* What is covered, and by which key (of this proof alone). All lent. */
struct handoff_cover {
    const unsigned char *key; /* 16 bytes */
    const struct header_block *message;
    const char *sender; /* of the envelope; NULL is the null sender */
};

/* Of one field: of its name and its value. */
void handoff_cover_line(const unsigned char key[16], const struct header *h, char out[HANDOFF_COVER_SHORT]);
/* Of the body, without empty lines at its end. */
void handoff_cover_body(const struct handoff_cover *c, char out[HANDOFF_COVER_LONG]);
/* Of all Subject fields. */
void handoff_cover_subject(const struct handoff_cover *c, char out[HANDOFF_COVER_SHORT]);
/* Of the fields that describe the body. */
void handoff_cover_structure(const struct handoff_cover *c, char out[HANDOFF_COVER_SHORT]);
/* Of all From fields, in one of these ways. */
void handoff_cover_from(const struct handoff_cover *c, enum handoff_cover_from how, char out[HANDOFF_COVER_SHORT]);
/* The way for a message that Postfix has not seen yet. local: its client is one whose addresses Postfix may
 * replace. */
enum handoff_cover_from handoff_cover_from_way(const struct handoff_cover *c, bool local);

#endif
