/* filterctl_aliases: where Postfix's own alias tables lead, and whether filterd knows it. Before the queue
 * Postfix has not expanded aliases yet, so filterd must know them itself. */
#ifndef TOOLS_FILTERCTL_ALIASES_H
#define TOOLS_FILTERCTL_ALIASES_H

#include <glib.h>
#include <stdbool.h>

#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/postconf.h"

enum filterctl_aliases_state {
    FILTERCTL_ALIASES_KNOWN,    /* filterd has it, with the same users */
    FILTERCTL_ALIASES_NEW,      /* leads to users with keys, and filterd lacks it or has other users for it */
    FILTERCTL_ALIASES_NO_KEYS,  /* none of its users has a key, so filterd does not need it */
    FILTERCTL_ALIASES_MIXED,    /* some of its users have a key, others not: no copy can serve both */
    FILTERCTL_ALIASES_OUTSIDE,  /* leads to a user with a key and out of this host as well */
    FILTERCTL_ALIASES_CATCH_ALL /* of a whole domain ("@domain"): who has an address there is not known */
};

struct filterctl_aliases_entry {
    const char *address;
    enum filterctl_aliases_state state;
    const GPtrArray *users; /* of char*: the users it leads to in the end, sorted */
    bool known;             /* filterd has an alias of this address, whatever its users */
    const char *elsewhere;  /* the first destination that is no user: an address, |command or /file; NULL: none */
};

struct filterctl_aliases {
    void (*entry)(const struct filterctl_aliases_entry *e, void *arg);
    /* A table that cannot be listed; why as in filterctl_maps_each_unlisted. */
    void (*table)(const char *table, const char *why, void *arg);
    void *arg;
};

/* Calls entry with every alias in the order of its address, and table with each table that could not be
 * listed. False if users.db or the keys could not be read to their end: then nothing that was said of
 * users and keys holds. */
bool filterctl_aliases_each(const struct filterctl *ctl, const struct filterctl_postconf *p,
                            struct users *users, const struct filterctl_aliases *to)
    __attribute__((warn_unused_result));

#endif
