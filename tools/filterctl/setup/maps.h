/* maps: the tables in which Postfix has its users, as filterd may read them. Postfix's map files hold passwords and are
 * closed to others, so filterd gets copies. */
#ifndef TOOLS_FILTERCTL_SETUP_MAPS_H
#define TOOLS_FILTERCTL_SETUP_MAPS_H

#include <glib.h>
#include <stdbool.h>

#include "tools/filterctl/setup/site.h"

struct filterctl_setup_maps {
    char *mailboxes, *aliases, *domains; /* chains for [users]; NULL: none */
    GPtrArray *copies;                   /* of struct filterctl_setup_maps_copy */
};
struct filterctl_setup_maps_copy {
    char *from, *to;
};

/* Of this site; copies lie in the folder maps beside filterd's settings. */
struct filterctl_setup_maps *filterctl_setup_maps_new(const struct filterctl_setup_site *site);
void filterctl_setup_maps_free(struct filterctl_setup_maps **maps);
/* Copies those that are missing or differ, 0640, with the group of filterd's user. *fresh_r is set if it did. False
 * after complaining. */
bool filterctl_setup_maps_copy(const struct filterctl_setup_maps *maps, const struct settings *s, bool *fresh_r);
/* Takes away the copies that these settings name. */
void filterctl_setup_maps_remove(const struct settings *s);

#endif
