/* dmarc_from: whose name the reader sees: the domain of the one address in From (RFC 5322, with
 * comments, quoted words, groups and routes). */
#ifndef RULES_AUTH_DMARC_FROM_H
#define RULES_AUTH_DMARC_FROM_H

#include <stdbool.h>
#include <stddef.h>

/* value: of the field, folded as it came, at most 64 KB. The domain, lower case, an IDN as
 * A-labels, or false with what is wrong (static). "Doe, Jane <jane@example.org>" without the quotes
 * it needs has one address for every reader, and "jane@a.example <x@b.example>" has two. */
bool dmarc_from_domain(const char *value, size_t len, char domain_r[256], const char **wrong_r);

#define DMARC_FROM_ADDRESS 512

/* The address itself as it is written, without comments and blanks; false, and "", where the domain
 * is not clear either, or only the domain is ("jane joe@example.org"). */
bool dmarc_from_address(const char *value, size_t len, char address_r[DMARC_FROM_ADDRESS]);

#endif
