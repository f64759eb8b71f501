/* dmarc_from: finds the addresses that the reader sees in From (RFC 5322 section 3.4, with comments, quoted
 * words, groups and routes), also where there is more than one or where the grammar does not help. */
#ifndef RULES_AUTH_DMARC_FROM_H
#define RULES_AUTH_DMARC_FROM_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mail/header.h"

#define DMARC_FROM_ADDRESS 512
/* Of all From fields together; addresses beyond are not looked at. */
#define DMARC_FROM_MAX 1000

struct dmarc_from {
    /* Why there is not exactly one From with exactly one address (static); NULL if there is. "Doe, Jane
     * <jane@example.org>" lacks quotes, but all mail readers see one address in it; "jane@a.example
     * <x@b.example>" is x@b.example, whose name looks like an address. */
    const char *wrong;
    /* Without doubt about what readers see, be it no address or several: one field, well-formed, without NUL. */
    bool certain;
    char domain[256]; /* of the one address: lower case, an IDN as A-labels; "" if wrong */
    /* The one address as written, without comments and blanks; "" if wrong, or if only the domain is clear
     * ("jane joe@example.org"). */
    char address[DMARC_FROM_ADDRESS];
    /* char*: every address that a reader may see in any From, in order; the domain as above, the local part as
     * written, "" if it cannot be told. If not certain, also what stands in quotes and comments. */
    GPtrArray *addresses;
};

/* Reads at most address_bytes (base/config/limits.h) of a field by the grammar; a longer one is not certain. */
struct dmarc_from *dmarc_from_read(const struct header *headers, size_t count);
void dmarc_from_free(struct dmarc_from **f);

#endif
