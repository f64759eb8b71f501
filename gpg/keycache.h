/* keycache: users' keys as a process knows them, looked up anew when their generation changes. */
#ifndef GPG_KEYCACHE_H
#define GPG_KEYCACHE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "gpg/key_state.h"

struct keycache;

struct cached_keys {
    char *home;        /* the generation */
    struct stat place; /* its folder: a name comes again when all keys were removed in between */
    GPtrArray *keys;   /* of struct key_info* */
    bool doubtful;     /* one could not be used then, which a list that ended early may say of any:
                        * they are asked for anew each time */
};

struct keycache *keycache_new(const char *state_dir);
void keycache_free(struct keycache **c);
/* The user's keys, judged by the clock now. With KEY_GOOD *keys_r is set (lent, until the next
 * call for this user) and files has the key files (or their rings) that can be used appended (g_free; may be
 * NULL). Otherwise *reason_r (may be NULL) says why, one line, g_free. */
enum key_state keycache_get(struct keycache *c, const char *user,
                            const struct cached_keys **keys_r, GPtrArray *files, char **reason_r);

#endif
