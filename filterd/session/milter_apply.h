/* milter_apply: carries out a worker's answer on the MTA's message. */
#ifndef FILTERD_SESSION_MILTER_APPLY_H
#define FILTERD_SESSION_MILTER_APPLY_H

#include <glib.h>
#include <libmilter/mfapi.h>
#include <stdbool.h>

#include "base/result.h"
#include "filterd/session/milter_client.h"

/* Gives the MTA this reply, at any step of the protocol; returns its status. */
sfsistat milter_apply_outcome(SMFICTX *ctx, const struct outcome *o);
/* At the end of a message: changes fields, recipients and body. leading_space: the MTA passes header values
 * with what stands behind the colon (SMFIP_HDR_LEADSPC). False: the MTA refused a change, and the message must
 * not pass. */
bool milter_apply_copy(SMFICTX *ctx, struct milter_client_copy *c, const GPtrArray *recipients,
                       bool leading_space);

#endif
