/* dkim_field: parses DKIM-Signature fields (RFC 6376 section 3.5) strictly, before libopendkim sees them: to
 * know which keys to look up, and to report what is wrong with a malformed one. */
#ifndef RULES_AUTH_DKIM_FIELD_H
#define RULES_AUTH_DKIM_FIELD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mail/header.h"
#include "rules/auth/dkim_signature.h"

enum {
    DKIM_FIELD_MAX_BYTES = 8192, /* libopendkim took 10 s for one field with 100,000 tags */
};

struct limits_met;

struct dkim_field {
    const struct header *header;
    struct dkim_signature signature; /* code is NEUTRAL, with a reason, if the field is malformed */
    bool usable;                     /* well-formed */
    bool sha1;
    bool relaxed_body;
    bool has_length;
    guint64 length; /* value of l= */
    char key[512];  /* the DNS name of its key; "" if not usable */
};

/* The DKIM signatures in the header, in order, up to the limit in base/config/limits.h (libopendkim took over
 * 100 s for 1,000 with different l=). Array of struct dkim_field by value; their headers are lent. */
GArray *dkim_field_list(const struct header *headers, size_t count, struct limits_met *met);

#endif
