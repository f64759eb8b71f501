/* authres: writes the results of SPF, DKIM and DMARC as a header field for others to read (RFC 8601). */
#ifndef RULES_AUTH_AUTHRES_H
#define RULES_AUTH_AUTHRES_H

#include <glib.h>

#include "base/bytes.h"
#include "rules/auth/dmarc.h"
#include "rules/auth/spf_result.h"

struct authres {
    const char *authserv_id;
    const struct spf_result *spf;   /* NULL: not checked */
    const struct spf_question *asked;
    const GArray *dkim;             /* NULL: not checked */
    const struct dmarc_result *dmarc; /* NULL: not checked */
};

/* Appends "Authentication-Results: ..." (RFC 8601 section 2.2), folded, ended by CRLF. Values that come from
 * the message are quoted and shortened; nothing in them can end the line. */
void authres_header(struct bytes *out, const struct authres *a);
/* Appends a Received-SPF field (RFC 7208 section 9.1). */
void authres_received_spf(struct bytes *out, const struct authres *a);

#endif
