/* The outer header fields of one copy. Called by seal.c, pgpmime.c and the delivering transactions. */
#include "gpg/outside.h"

bool outside_has(const struct outside *o, const struct header *h)
{
    const bool replaced = o->replaced && h >= o->replaced && h < o->replaced + o->replaced_count;
    return !h->dropped && !replaced;
}

bool outside_of_sealed(const struct outside *o, const struct header *h)
{
    return outside_has(o, h) && !header_is_structural(h);
}

void outside_clear(struct outside *o)
{
    bytes_free(&o->added);
    *o = (struct outside){0};
}
