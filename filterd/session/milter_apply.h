/* milter_apply: carries out on the MTA's message what a worker answered. */
#ifndef FILTERD_SESSION_MILTER_APPLY_H
#define FILTERD_SESSION_MILTER_APPLY_H

#include <glib.h>
#include <libmilter/mfapi.h>
#include <stdbool.h>

#include "base/result.h"
#include "filterd/session/milter_client.h"

/* The reply and its status, at any step of the protocol. */
sfsistat milter_apply_outcome(SMFICTX *ctx, const struct outcome *o);
/* At the end of a message: fields, recipients, body. leading_space: values come and go with what
 * stands behind the colon. false: something was refused, and the message must not pass. */
bool milter_apply_copy(SMFICTX *ctx, struct milter_client_copy *c, const GPtrArray *recipients,
                       bool leading_space);

#endif
