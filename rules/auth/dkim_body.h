/* dkim_body: how long a body is that a signature speaks of. */
#ifndef RULES_AUTH_DKIM_BODY_H
#define RULES_AUTH_DKIM_BODY_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a body (CRLF line ends) in canonical form (RFC 6376, section 3.4.3 and 3.4.4). */
size_t dkim_body_length(const char *body, size_t len, bool relaxed);

#endif
