/* keycache: each process's cache of users' keys; a user's keys are read again when their generation changes. */
#ifndef GPG_KEYCACHE_H
#define GPG_KEYCACHE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "gpg/key_state.h"

struct keycache;

struct cached_keys {
    char *home;        /* path of the generation */
    struct stat place; /* stat of that folder: after all keys were removed, a new generation can get the same
                        * name */
    GPtrArray *keys;   /* of struct key_info* */
    bool by_card;      /* read from the key card, not listed by gpg */
    bool doubtful;     /* a key was unusable when gpg listed them. GPGME reports that also if gpg's listing ended
                        * early, so these keys are read again each time */
};

struct keycache *keycache_new(const char *state_dir);
void keycache_free(struct keycache **c);
/* The state of the user's keys at this moment. With KEY_GOOD, *keys_r is set (lent until the next call for this
 * user), and the usable key files, or their rings, are appended to files (g_free each; files may be NULL).
 * Otherwise *reason_r (may be NULL) says why, in one line; g_free. */
enum key_state keycache_get(struct keycache *c, const char *user,
                            const struct cached_keys **keys_r, GPtrArray *files, char **reason_r);

#endif
