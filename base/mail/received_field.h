/* received_field: what an MTA wrote into its Received field (RFC 5321, section 4.4). */
#ifndef BASE_MAIL_RECEIVED_FIELD_H
#define BASE_MAIL_RECEIVED_FIELD_H

#include "base/mail/header.h"

/* The queue id, if the host behind "by" is one of these (NULL-terminated, case does not matter) and there is an
 * id; else NULL. g_free. Believes only what stands where an MTA writes it, at the beginning of a line: what a
 * client says (HELO, recipient) may look like "by HOST with SMTP id X", and stands further in. */
char *received_field_id(const struct header *h, const char *const *hosts);

#endif
