/* dkim_field: what a DKIM-Signature field says, read by ourselves, strictly, before the library
 * sees it: which key to ask for, and what to tell of a signature that is none. */
#ifndef RULES_AUTH_DKIM_FIELD_H
#define RULES_AUTH_DKIM_FIELD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mail/header.h"
#include "rules/auth/dkim_signature.h"

enum {
    DKIM_FIELD_MAX_BYTES = 8192, /* 100,000 tags in one took the library 10 s */
};

struct limits_met;

struct dkim_field {
    const struct header *header;
    struct dkim_signature signature; /* code is NEUTRAL with a reason if it is none */
    bool usable;                     /* it is one */
    bool sha1;
    bool relaxed_body;
    bool has_length;
    guint64 length; /* l= */
    char key[512];  /* where its key is in the DNS; "" if unusable */
};

/* The signatures of a header that are looked at, in order, no more than base/config/limits.h allows (1,000
 * with different l= took the library over 100 s); array of struct dkim_field by value,
 * whose headers are lent. */
GArray *dkim_field_list(const struct header *headers, size_t count, struct limits_met *met);

#endif
