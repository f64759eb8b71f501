/* filterctl check: whether the state is the one that was made for this site. Called by check.c. */
#include "base/config/state.h"

#include <glib.h>

#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"

/* Adopts nothing, unlike the commands that use the state. */
void filterctl_check_state(struct filterctl_check *c)
{
    const struct state_user owner = filterctl_owner(c->ctl);
    struct state state = STATE_CLOSED;
    g_autofree char *why = NULL;
    const enum state_found found = state_open(c->ctl->settings, &owner, &state, &why);
    if (found == STATE_FOUND)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "state", "%s is the one that %s names", state.dir,
                             c->ctl->settings->state_id);
    else
        filterctl_check_tell(c, found == STATE_OLD ? FILTERCTL_CHECK_WARNING : FILTERCTL_CHECK_BAD, "state", "%s", why);
    state_close(&state);
}
