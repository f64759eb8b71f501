/* resolve: which users stand behind an address, however it is spelt. */
#ifndef FILTERD_PIPELINE_RESOLVE_H
#define FILTERD_PIPELINE_RESOLVE_H

#include <glib.h>

#include "base/config/users.h"
#include "filterd/pipeline/context.h"

/* As users_resolve, also for what an MTA would deliver to them: before the queue an address comes as the client
 * spelt it, and "alice"@example.com, alice@example.com. or @a:alice@example.com are alice@example.com to the MTA
 * behind us. So is what stands in front of a domain of ours, as in alice%example.com@ours. address is canonical.
 * *meant_r: the form that was looked up, g_free; *users_r of char*, the caller's, maybe NULL. */
enum users_result resolve_users(struct context *ctx, const char *address, char **meant_r,
                                GPtrArray **users_r);

#endif
