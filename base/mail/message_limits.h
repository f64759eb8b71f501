/* message_limits: what may be shown to GMime, which has no limits of its own. */
#ifndef BASE_MAIL_MESSAGE_LIMITS_H
#define BASE_MAIL_MESSAGE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/header.h"

/* How many bytes of the body GMime may see; false if it may see nothing of the message. What it is
 * kept from is noted in met (base/config/limits.h): parts (lines that may part them), nesting, header fields of
 * parts or their length, addresses (their length, and groups: their parser recurses), and a parameter name of
 * 60 characters or more (their writer may loop). */
bool message_limits_body(const struct header_block *m, struct limits_met *met, size_t *len_r);

#endif
