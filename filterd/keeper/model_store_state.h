/* model_store_state: the members of an open model store, for the files that work on it. It knows none of them;
 * model_store.h, above them all, opens and closes it. */
#ifndef FILTERD_KEEPER_MODEL_STORE_STATE_H
#define FILTERD_KEEPER_MODEL_STORE_STATE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/sitekey.h"
#include "classifier/model.h"
#include "filterd/keeper/keeper_rates.h"

struct model_store {
    const struct settings *settings;
    struct sitekey key;
    int lock_fd;
    struct users *users;
    const struct users_tables *tables; /* lent: for logins that users.db does not know, and domains; NULL: none */
    GHashTable *domains; /* of ours by the tables -> when they said so, gint64* in monotonic microseconds */
    GHashTable *models; /* user -> open struct model*; a few, any may be closed to open another */
    struct model *site; /* the site's base, used together with users' models; NULL: not open */
    char *forgotten;    /* all day keys before this day are known to be destroyed */
    GPtrArray *round;   /* files of users that housekeeping has yet to visit */
    gint64 round_began; /* monotonic microseconds; 0: no round yet */
    GPtrArray *pending;    /* see pending.h; NULL: no records are pending */
    struct model *unclaimed; /* see unclaimed.h; NULL: not open */
    gint64 unclaimed_bytes;  /* how large it may become */
    struct keeper_rates *rates; /* what workers have asked lately */
    gint64 pending_since;  /* monotonic microseconds: when the first of them came */
};

/* True if this is the address of a user: canonical, and no name of ours. */
bool model_store_is_user(const char *user);
/* True if workers may have mail for this user: a table names it, or it is an address at a domain of ours, or without a
 * domain, that needs no escaping in paths. False if the tables cannot be read now. */
bool model_store_may_be_ours(struct model_store *l, const char *user);
/* The site's base, opened for writing and created if missing; lent. NULL with one line in *text_r. */
struct model *model_store_open_site(struct model_store *l, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* The site's base, opened for writing; lent. NULL if there is none (and create is false), or it cannot be
 * opened. */
struct model *model_store_site(struct model_store *l, bool create);
/* The user's settings, or the site's where the user set none; without allow and deny lists. False, with one
 * line (text_r may be NULL), if they cannot be read. */
bool model_store_settings(struct model_store *l, const char *user, struct user_settings *s_r, char **text_r)
    __attribute__((warn_unused_result)) G_GNUC_WARN_UNUSED_RESULT;

#endif
