/* dmarc_from: finds the addresses that the reader sees in From (RFC 5322 section 3.4, with comments, quoted
 * words, groups and routes), also where there is more than one or where the grammar does not help. */
#ifndef RULES_AUTH_DMARC_FROM_H
#define RULES_AUTH_DMARC_FROM_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mail/header.h"

#define DMARC_FROM_ADDRESS 512
/* Of all From fields together: addresses, and such in names; those beyond are not looked at. */
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
    /* The domain, with a dot in it, of an address that stands as a name in front of one in brackets, unquoted:
     * readers that ask an IMAP server (ENVELOPE) show it in place of that. "" if there is none. */
    char instead[256];
    /* char*: every address that a reader may see in any From, in order; the domain as above, the local part as
     * written, "" if it cannot be told. If not certain, also what stands in quotes and comments, and what an
     * address is drawn like: with signs that look like '@' or '.', or that are not seen. */
    GPtrArray *addresses;
    GPtrArray *named; /* char*: likewise those that only the name or a comment of an address shows */
    bool beyond;      /* not all was looked at: too long, or more than DMARC_FROM_MAX; then it is not certain */
};

/* Reads at most address_bytes (base/config/limits.h) of a field by the grammar; a longer one is not certain. */
struct dmarc_from *dmarc_from_read(const struct header *headers, size_t count);
void dmarc_from_free(struct dmarc_from **f);

#endif
