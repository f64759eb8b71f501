/* Whether the next hop takes what a message becomes by sealing. Called by session_envelope.c at MAIL and by
 * session_data.c at the message's end. */
#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/log.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/session/session.h"
#include "filterd/session/session_state.h"

/* No next hop refuses less: it need not be asked. */
#define ANY_HOP_TAKES_BYTES (1024 * 1024)
/* The next hop is asked within this share of the time for all its answers. */
#define ASK_SHARE 3

/* True if any user has a key, or that cannot be told. */
static bool anybody_has_key(const struct settings *s)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_build_filename(s->state_dir, "keys", NULL);
    GDir *keys = g_dir_open(folder, 0, &error);
    if (!keys)
        return !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    const char *name;
    do
        name = g_dir_read_name(keys);
    while (name && *name == '.'); /* no user's */
    const bool any = name != NULL;
    g_dir_close(keys);
    return any;
}

static guint64 ask_limit(struct session *s)
{
    const int all_ms = s->settings->proxy_seconds * 1000;
    const gint64 start = g_get_monotonic_time();
    const guint64 limit = next_hop_size_limit(s->hop, all_ms / ASK_SHARE);
    s->asked_ms += (int)((g_get_monotonic_time() - start) / 1000);
    return limit;
}

bool session_size_fits(struct session *s, size_t bytes)
{
    const struct listener *l = s->env->listener;
    if (bytes <= ANY_HOP_TAKES_BYTES || l->protocol != PROTO_SMTP || l->role == ROLE_SUBMISSION)
        return true;
    const guint64 limit = ask_limit(s), sealed = settings_sealed_size(bytes);
    if (!limit || sealed <= limit || !anybody_has_key(s->settings))
        return true;
    log_warn("from=<%s> refused: %zu bytes may be %" G_GUINT64_FORMAT " when they are sealed, and the next hop takes %"
             G_GUINT64_FORMAT ": give it a larger limit (filterctl check)",
             s->envelope->sender ? s->envelope->sender : "", bytes, sealed, limit);
    return false;
}
