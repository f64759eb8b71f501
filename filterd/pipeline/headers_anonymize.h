/* headers_anonymize: removes what header fields tell about people, by the site's tables. */
#ifndef FILTERD_PIPELINE_HEADERS_ANONYMIZE_H
#define FILTERD_PIPELINE_HEADERS_ANONYMIZE_H

#include <glib.h>

#include "base/config/settings.h"
#include "base/mail/message.h"
#include "filterd/pipeline/context.h"

/* Applies the table for the listener's role (NULL: inbound) to the fields that stand outside the ciphertext,
 * that is to m->headers, not to m->raw. Call it when all checks are done. Content-* is left alone: it describes
 * the body. Returns the texts that fields of m now point to: unref after m's last use. NULL: the table could
 * not be read, and nothing may be delivered. */
GPtrArray *headers_anonymize(const struct context *ctx, const struct listener *listener,
                             struct message *m);

#endif
