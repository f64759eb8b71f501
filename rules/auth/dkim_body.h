/* dkim_body: the length of a body as a DKIM signature's l= counts it. */
#ifndef RULES_AUTH_DKIM_BODY_H
#define RULES_AUTH_DKIM_BODY_H

#include <stdbool.h>
#include <stddef.h>

/* Length in bytes of a body (CRLF line ends) in canonical form: simple or relaxed (RFC 6376 sections 3.4.3 and
 * 3.4.4). */
size_t dkim_body_length(const char *body, size_t len, bool relaxed);

#endif
