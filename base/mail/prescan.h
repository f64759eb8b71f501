/* prescan: how much of a message may be given to GMime, which has no limits of its own. */
#ifndef BASE_MAIL_PRESCAN_H
#define BASE_MAIL_PRESCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/header.h"

/* Finds how many bytes of the body GMime may see; false if GMime may not see the message at all. Notes the
 * limit that was met (base/config/limits.h): parts (counting all lines that may separate some), nesting, number
 * or length of header fields of parts, addresses (their length, and groups, as GMime's parser recurses for
 * each), or a parameter name of 60 characters or more (GMime's writer may loop on it). */
bool prescan_body(const struct header_block *m, struct limits_met *met, size_t *len_r);

#endif
