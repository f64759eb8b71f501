/* mime_value: splits the value of Content-Type and its like (RFC 2045 section 5.1) into its pieces, strictly. */
#ifndef GPG_MIME_VALUE_H
#define GPG_MIME_VALUE_H

#include <stdbool.h>

#include "gpg/mime_text.h"

struct mime_value { /* start with left: the value */
    struct mime_text left;
    bool inside; /* beyond the first word */
};

struct mime_piece {
    enum { MIME_WORD, MIME_PARAMETER, MIME_COMMENT } kind;
    struct mime_text name; /* of a parameter */
    struct mime_text text; /* the word; the parameter's value without its quotes; the comment without its brackets */
};

/* Takes the next piece: first the word, then parameters, comments anywhere. 1: there is one; 0: at the end;
 * -1: it is written in another way. */
int mime_value_next(struct mime_value *v, struct mime_piece *piece_r);

#endif
