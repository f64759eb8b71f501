/* ledger_state: what an open ledger holds, for the files that work on it. It knows none of them:
 * ledger.h opens and closes, and stands above them all. */
#ifndef FILTERD_KEEPER_LEDGER_STATE_H
#define FILTERD_KEEPER_LEDGER_STATE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/sitekey.h"
#include "classifier/model.h"

struct ledger {
    const struct settings *settings;
    struct sitekey key;
    int lock_fd;
    struct users *users;
    GHashTable *models; /* user -> open struct model*, a few; any of them may go for another */
    struct model *site; /* the base; NULL: not open. Beside them, as it is used while they are */
    char *forgotten;    /* the day before which all keys are known to be gone */
    GPtrArray *round;   /* files of users that housekeeping has still to visit */
    gint64 round_began; /* monotonic time; 0: none yet */
    GPtrArray *backlog;    /* see backlog.h; NULL: nothing waits */
    gint64 backlog_since;  /* monotonic time of the first of it */
};

/* The user's model, opened for writing and made if need be; lent. NULL with one line. */
struct model *ledger_model(struct ledger *l, const char *user, char **text_r);
/* The site's base, opened for writing; lent. NULL if there is none (and it was not to be made), or it
 * cannot be opened. */
struct model *ledger_site(struct ledger *l, bool create);
/* The user's settings, else the site's, without their lists. False, with one line (text_r may be NULL),
 * if they cannot be read. */
bool ledger_settings(struct ledger *l, const char *user, struct user_settings *s_r, char **text_r)
    __attribute__((warn_unused_result));

#endif
