/* dmarc_from: finds the domain that the reader sees: that of the one address in From (RFC 5322 section 3.4,
 * with comments, quoted words, groups and routes). */
#ifndef RULES_AUTH_DMARC_FROM_H
#define RULES_AUTH_DMARC_FROM_H

#include <stdbool.h>
#include <stddef.h>

/* value: of the field, folded as it came, at most 64 KB. True with the domain, lower case, an IDN as A-labels;
 * else false with what is wrong (static). "Doe, Jane <jane@example.org>" lacks quotes, but all mail readers see
 * one address in it; "jane@a.example <x@b.example>" has two. */
bool dmarc_from_domain(const char *value, size_t len, char domain_r[256], const char **wrong_r);

#define DMARC_FROM_ADDRESS 512

/* The address as written, without comments and blanks. False with "" if dmarc_from_domain finds no domain, or
 * if only the domain is clear ("jane joe@example.org"). */
bool dmarc_from_address(const char *value, size_t len, char address_r[DMARC_FROM_ADDRESS]);

#endif
