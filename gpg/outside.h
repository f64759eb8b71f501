/* outside: the unencrypted header fields of one copy. They belong to that copy: the message itself is shared by
 * all its recipients. Which fields describe the body and go inside instead is header_is_structural's to say
 * (base/mail/header.h); pgpmime_payload_head (pgpmime.h) puts them there. */
#ifndef GPG_OUTSIDE_H
#define GPG_OUTSIDE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/mail/header.h"

struct outside {
    struct bytes added;            /* filterd's own fields, each with CRLF; they go on top */
    GPtrArray *replaced; /* of const struct header*, lent: fields of the message that filterd's own fields
                          * replace; NULL: none */
};

/* True if this field of the message stays in the header of a copy that passes unsealed, because it is neither dropped
 * nor replaced. */
bool outside_has(const struct outside *o, const struct header *h);
/* True if it stands outside the ciphertext of a sealed copy: the same but for structural fields, which describe the
 * body and go inside with it. */
bool outside_of_sealed(const struct outside *o, const struct header *h);
/* Adds a field of the message to those replaced. */
void outside_replace(struct outside *o, const struct header *h);
/* Wipes and frees the added fields, and frees the list of those replaced. */
void outside_clear(struct outside *o);

#endif
