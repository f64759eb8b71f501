/* generation: replaces a user's key folder by a new generation, as one atomic step. */
#ifndef GPG_GENERATION_H
#define GPG_GENERATION_H

#include <glib.h>
#include <stdbool.h>

struct generation {
    char *home; /* new GnuPG home for the caller to fill; no other process knows its path */
    char *state_dir, *user, *old; /* old: the current generation, NULL if none */
    bool replaces;                /* the user already has a folder, intact or broken */
    char *made;                   /* folder to remove unless the generation is committed */
    int lock_fd;
};

/* Takes the lock on the folder of all users' keys (waits for it) and makes an empty home in there. NULL with
 * *error_r. */
struct generation *generation_begin(const char *state_dir, const char *user, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Gives the new home to the owner of state_dir, sets the `current` link to it, and removes all older
 * generations except the previous one. */
bool generation_commit(struct generation *g, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Removes the user's whole folder in one step. */
bool generation_remove_user(struct generation *g, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Removes what was not committed, releases the lock, and sets *g to NULL. */
void generation_end(struct generation **g);

#endif
