/* generation: writes a user's key folder, one whole generation at a time. */
#ifndef GPG_GENERATION_H
#define GPG_GENERATION_H

#include <glib.h>
#include <stdbool.h>

struct generation {
    char *home; /* a new GnuPG home, filled by the caller; nobody else knows it */
    char *state_dir, *user, *old; /* old: the generation that counts now, NULL if none */
    bool replaces;                /* the user has a folder, whole or broken */
    char *made;                   /* folder that is removed if it is not committed */
    int lock_fd;
};

/* Takes the lock of all key folders (waits for it) and makes an empty home beside them. NULL with
 * *error_r. */
struct generation *generation_begin(const char *state_dir, const char *user, char **error_r);
/* Gives it to state_dir's owner, sets the link and removes all but the one before. */
bool generation_commit(struct generation *g, char **error_r);
/* Takes the user's whole folder away, in one step. */
bool generation_remove_user(struct generation *g, char **error_r);
/* Throws away what was not committed. */
void generation_end(struct generation **g);

#endif
