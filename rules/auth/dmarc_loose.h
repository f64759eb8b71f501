/* dmarc_loose: finds addresses in text that follows no grammar, as a mail reader might that shows it anyway. */
#ifndef RULES_AUTH_DMARC_LOOSE_H
#define RULES_AUTH_DMARC_LOOSE_H

#include <stdbool.h>
#include <stddef.h>

/* A domain as DNS knows it: lower case, IDNs as A-labels, without the root's dot. False if it is no DNS name. */
bool dmarc_loose_domain(const char *text, size_t len, char domain_r[256]);
/* Calls found for whatever stands around each '@', also inside quotes and comments; the address' domain is as
 * above, and its local part may be empty. Linear. */
void dmarc_loose_each(const char *text, size_t len, void (*found)(const char *address, void *arg), void *arg);

#endif
