/* resolve: finds the users behind an address, in every spelling that an MTA accepts. */
#ifndef FILTERD_PIPELINE_RESOLVE_H
#define FILTERD_PIPELINE_RESOLVE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/users.h"
#include "base/result.h"
#include "filterd/pipeline/context.h"

/* Like users_resolve, but also finds users under each spelling that the MTA behind us would deliver to them: it
 * takes "alice"@example.com, alice@example.com. and @a:alice@example.com (RFC 5321, appendix C) for
 * alice@example.com, alice%example.com@ours for the same, and alice at any of its machine's names for its local
 * user. address is canonical. *meant_r: the form that was looked up, g_free; *users_r: of char*, the caller's, may
 * be NULL. */
enum users_result resolve_users(struct context *ctx, const char *address, char **meant_r,
                                GPtrArray **users_r);
/* USERS_FOUND if mail for an address (the *meant_r of resolve_users) that is no user's would stay here: its domain, or
 * the one it leads to, is listed or in the table of domains, or it has none. USERS_UNKNOWN if it would not, USERS_TEMP
 * if the table cannot be asked. */
enum users_result resolve_local(struct context *ctx, const char *meant);
/* REASON_ODD_ADDRESS if the address may be ours and can be read in two ways, as one with %, ! or a route, or with anything but
 * a dot-string or a simple quoted string. Ask it before the queue, where the client waits for a refusal.
 * REASON_UNFORESEEN if whether it may be cannot be known now, else REASON_OK. submitted: from a listener with
 * role=submission. */
enum outcome_reason resolve_doubt(struct context *ctx, const char *address, bool submitted);
/* Likewise a sender, whose domain SPF is asked about: false if it may begin elsewhere. */
bool resolve_is_certain_sender(const char *address);
/* <postmaster>, which every host has (RFC 5321, section 4.5.1). */
bool resolve_is_postmaster(const char *address);

#endif
