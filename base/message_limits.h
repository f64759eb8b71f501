/* message_limits: what may be shown to GMime, which has no limits of its own. */
#ifndef BASE_MESSAGE_LIMITS_H
#define BASE_MESSAGE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

/* False if, at the top or in a part, an address header has over 64 KB or 5,000 groups (its parser
 * recurses), a Content-Type has a parameter name of 60 characters or more (its writer may loop),
 * lines that begin with "--" are more than 2,000, or header fields of parts more than 20,000. */
bool message_limits_ok(const char *raw, size_t len);

#endif
