/* outside: what stands in the clear around one copy. It is a value of that copy: the message itself is the same
 * for all its recipients. */
#ifndef GPG_OUTSIDE_H
#define GPG_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/mail/header.h"

struct outside {
    struct bytes added;            /* our own fields, each with CRLF: they go on top */
    const struct header *replaced; /* neighbours in the message that ours take the place of, lent; NULL: none */
    size_t replaced_count;
};

/* True if this field of the message stands outside this copy, structural or not. */
bool outside_has(const struct outside *o, const struct header *h);
/* Wipes what was added. */
void outside_clear(struct outside *o);

#endif
