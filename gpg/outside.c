/* The outer header fields of one copy. Called by seal.c, pgpmime.c and the delivering transactions. */
#include "gpg/outside.h"

bool outside_has(const struct outside *o, const struct header *h)
{
    return !h->dropped && !(o->replaced && g_ptr_array_find(o->replaced, h, NULL));
}

bool outside_of_sealed(const struct outside *o, const struct header *h)
{
    return outside_has(o, h) && !header_is_structural(h);
}

void outside_replace(struct outside *o, const struct header *h)
{
    if (!o->replaced)
        o->replaced = g_ptr_array_new();
    g_ptr_array_add(o->replaced, (gpointer)h);
}

void outside_clear(struct outside *o)
{
    bytes_free(&o->added);
    g_clear_pointer(&o->replaced, g_ptr_array_unref);
    *o = (struct outside){0};
}
