/* Finds users behind any spelling of an address. Called by recipient_state.c for each recipient. */
#include "filterd/pipeline/resolve.h"

#include <stdbool.h>
#include <string.h>

#include "base/address.h"
#include "base/config/settings.h"

/* True if the MTA may treat this domain as its own and then deliver to what stands left of it. */
static bool is_ours(const struct settings *s, const char *domain)
{
    return !s->domains || settings_is_local_domain(s, domain) ||
           (s->hostname && !g_ascii_strcasecmp(domain, s->hostname));
}

/* A bare name: the MTA appends a domain of its own. Try all local domains. */
static enum users_result resolve_name(struct context *ctx, const char *name, GPtrArray **users_r)
{
    const struct settings *s = ctx->settings;
    enum users_result found = USERS_UNKNOWN;
    for (char **d = s->domains; d && *d && found == USERS_UNKNOWN; d++) {
        g_autofree char *address = g_strdup_printf("%s@%s", name, *d);
        g_clear_pointer(users_r, g_ptr_array_unref);
        found = users_resolve(ctx->users, address, s->recipient_delimiter, users_r);
    }
    return found;
}

enum users_result resolve_users(struct context *ctx, const char *address, char **meant_r,
                                GPtrArray **users_r)
{
    const struct settings *s = ctx->settings;
    enum users_result found = users_resolve(ctx->users, address, s->recipient_delimiter, users_r);
    *meant_r = address_meant(address);
    g_autofree char *inner = g_strdup(*meant_r);
    while (found == USERS_UNKNOWN) {
        char *at = strrchr(inner, '@');
        g_clear_pointer(users_r, g_ptr_array_unref);
        found = users_resolve(ctx->users, inner, s->recipient_delimiter, users_r);
        if (found == USERS_UNKNOWN && !at)
            found = resolve_name(ctx, inner, users_r);
        if (found != USERS_UNKNOWN || !at || !is_ours(s, at + 1))
            break;
        *at = 0;
        if (!strpbrk(inner, "@%!"))
            break;
        char *next = address_meant(inner);
        g_free(inner);
        inner = next;
    }
    return found;
}
