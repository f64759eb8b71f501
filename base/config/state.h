/* state: proves that state_dir holds the state that was made for this site, and notices when it no longer does.
 *
 * Where a store is mounted late, or over another, an empty or a foreign folder has no keys: mail would go
 * unsealed. So a state is made once (filterctl init) and has an id. The same line
 * "filterd-state 1 ID CHECK" stands in the state and in the file state_id outside of it. CHECK is derived from
 * site_key and ID: each side tells whether the other is its own. */
#ifndef BASE_CONFIG_STATE_H
#define BASE_CONFIG_STATE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/config/settings.h"
#include "base/sitekey.h"

struct state {
    char *dir;
    int fd;         /* of dir, as it was when the state was found in it; -1: closed or lost */
    char mark[96];  /* the line of both files, without its line end */
};
#define STATE_CLOSED {.fd = -1}

/* Whom to be while files in state_dir are touched, for a process that runs as root: a FUSE file system may let
 * in nobody else, and root must not follow links that this user made. */
struct state_user {
    bool other; /* false: stay as we are */
    uid_t uid;
    gid_t gid;
};

enum state_found {
    STATE_WRONG = 0, /* anything else: not mounted, foreign, not readable */
    STATE_NONE,      /* neither a state nor its id: none was made yet */
    STATE_OLD,       /* of a version that gave no ids, and no id is known: to be adopted */
    STATE_UNNAMED,   /* a state with an id, and no file state_id */
    STATE_FOUND,
};
/* Looks for the state. Unless STATE_FOUND, *error_r (g_free) is one line that says what is wrong and what to do.
 * With STATE_OLD, STATE_UNNAMED and STATE_FOUND *state_r is open: state_close. */
enum state_found state_open(const struct settings *s, const struct state_user *user, struct state *state_r,
                            char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* True if the site key is the one that the state was made with. */
bool state_has_key(const struct state *state, const struct sitekey *key, const struct settings *s,
                   char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Makes an empty state in a state_dir that has none (STATE_NONE). Only "filterctl init" may. */
bool state_make(const struct settings *s, const struct state_user *user, const struct sitekey *key,
                char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Gives an id to the state in state->dir, in both files, and makes a missing users.db; with STATE_UNNAMED only
 * writes what is missing. What another process wrote at the same moment stays. */
bool state_write(const struct settings *s, const struct state_user *user, const struct sitekey *key,
                 struct state *state, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* All of it, for a program that starts: finds the state and loads the site key, both must belong together.
 * Adopts a state of an older version, with a line in the log. A failure is temporary: EX_TEMPFAIL. */
bool state_claim(const struct settings *s, const struct state_user *user, struct sitekey *key_r,
                 struct state *state_r, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Loads the site key; if root may not read it, then as that user. */
bool state_load_key(const struct settings *s, const struct state_user *user, struct sitekey *key_r,
                    char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* True while state->dir is the folder that was opened: neither unmounted nor mounted over. Costs two system
 * calls that read no disk. */
bool state_holds(const struct state *state);
void state_close(struct state *state);

void state_become(const struct state_user *user);
void state_become_self(void);

#endif
