/* resolve: finds the users behind an address, in every spelling that an MTA accepts. */
#ifndef FILTERD_PIPELINE_RESOLVE_H
#define FILTERD_PIPELINE_RESOLVE_H

#include <glib.h>

#include "base/config/users.h"
#include "filterd/pipeline/context.h"

/* Like users_resolve, but also finds users under each spelling that the MTA behind us would deliver to them:
 * before the queue an address comes as the client wrote it, and the MTA takes "alice"@example.com,
 * alice@example.com. and @a:alice@example.com (RFC 5321, appendix C) for alice@example.com. It also looks up
 * what stands left of a local domain, as in alice%example.com@ours. address is canonical. *meant_r: the form
 * that was looked up, g_free; *users_r: of char*, the caller's, may be NULL. */
enum users_result resolve_users(struct context *ctx, const char *address, char **meant_r,
                                GPtrArray **users_r);

#endif
