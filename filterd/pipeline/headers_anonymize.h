/* headers_anonymize: removes what header fields tell about people, by the site's tables. */
#ifndef FILTERD_PIPELINE_HEADERS_ANONYMIZE_H
#define FILTERD_PIPELINE_HEADERS_ANONYMIZE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/mail/message.h"
#include "filterd/pipeline/context.h"

/* Applies the table for the listener's role (NULL: inbound) to the fields that stand outside the ciphertext,
 * that is to m->headers, not to m->raw. Call it when all checks are done. Content-* is left alone: it describes
 * the body. Appends to texts (of char*, free function g_free) what fields of m now point to: unref it after m's last
 * use. False: the table could not be read, or time ran out, and nothing may be delivered. */
bool headers_anonymize(const struct context *ctx, const struct listener *listener, struct message *m,
                       GPtrArray *texts) G_GNUC_WARN_UNUSED_RESULT;

#endif
