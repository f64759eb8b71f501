/* filterctl_aliases: where Postfix's own alias tables lead, and what filterd knows of it. Before the
 * queue aliases are not expanded yet, so filterd must know them itself. */
#ifndef TOOLS_FILTERCTL_ALIASES_H
#define TOOLS_FILTERCTL_ALIASES_H

#include <glib.h>
#include <stdbool.h>

#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/postconf.h"

enum filterctl_aliases_state {
    FILTERCTL_ALIASES_KNOWN,    /* to the same users */
    FILTERCTL_ALIASES_NEW,      /* to users with keys, and not known, or to others */
    FILTERCTL_ALIASES_NO_KEYS,  /* not known, but nobody there has a key */
    FILTERCTL_ALIASES_MIXED,    /* some have a key, others not: no copy can serve both */
    FILTERCTL_ALIASES_OUTSIDE,  /* leads to somebody with a key, and out of here as well */
    FILTERCTL_ALIASES_CATCH_ALL /* a whole domain's, which filterd has none for */
};

struct filterctl_aliases_entry {
    const char *address;
    enum filterctl_aliases_state state;
    const GPtrArray *users; /* of char*: in the end, sorted */
    bool known;             /* filterd has it as an alias, for whomever */
    const char *elsewhere;  /* the first that is no user of ours: an address, |command, /file */
};

struct filterctl_aliases {
    void (*entry)(const struct filterctl_aliases_entry *e, void *arg);
    /* A table that cannot be listed; why as in filterctl_maps_each_unlisted. */
    void (*table)(const char *table, const char *why, void *arg);
    void *arg;
};

/* Calls entry with every alias in the order of its address, table with what is not complete. False if
 * what filterd itself knows (users.db, keys) could not be read to its end: then nothing of what was said
 * of users and keys holds. */
bool filterctl_aliases_each(const struct filterctl *ctl, const struct filterctl_postconf *p,
                            struct users *users, const struct filterctl_aliases *to)
    __attribute__((warn_unused_result));

#endif
