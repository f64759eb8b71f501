/* headers_anonymize: what a message's fields tell about people, out of them by the site's tables. */
#ifndef FILTERD_PIPELINE_HEADERS_ANONYMIZE_H
#define FILTERD_PIPELINE_HEADERS_ANONYMIZE_H

#include <glib.h>

#include "base/config/settings.h"
#include "base/mail/message.h"
#include "filterd/pipeline/context.h"

/* Applies the table of listener's role (NULL: inbound) to the fields that stand outside the
 * ciphertext: m->headers, not m->raw. To be called when all checks are done. Content-* is left
 * alone: it describes the body. Returns the texts that fields of m point to from now on (unref it
 * after m's last use), NULL if the table could not be read: then nothing may be delivered. */
GPtrArray *headers_anonymize(const struct context *ctx, const struct listener *listener,
                             struct message *m);

#endif
