/* users: who an address belongs to.
 *
 * A user is a canonical address. It exists by a key (the folder state_dir/keys/NAME), as an alias'
 * member, or by a setting. Aliases and settings lie in state_dir/users.db, which only the keeper
 * (or filterctl where none runs) opens for writing. */
#ifndef BASE_CONFIG_USERS_H
#define BASE_CONFIG_USERS_H

#include <glib.h>
#include <stdbool.h>

struct users;
struct user_settings;

/* Opens users.db; for reading a file that is not there is an empty one. NULL with *error_r (g_free)
 * when it cannot be read. */
struct users *users_open(const char *state_dir, bool for_writing, char **error_r);
/* For a reader that stays: what cannot be read now is logged, and opened at a later look. Until then
 * nobody can be resolved (USERS_TEMP). */
struct users *users_watch(const char *state_dir);
void users_free(struct users **u);
/* Why the last look at it did not see all, with the file's name; NULL if it did. */
const char *users_error(const struct users *u);

/* Between these two (they may nest; NULL is nobody) all is read from one moment, which also spares a
 * lock for each look. Short: nothing can be written meanwhile. Readers only. */
void users_hold(struct users *u);
void users_release(struct users *u);

enum users_result { USERS_TEMP = 0, USERS_FOUND, USERS_UNKNOWN };
/* The users behind an address: aliases (to any depth, loops cut), then the address itself, then
 * both again without its extension (a member's own extension likewise). *users_r: always a new
 * array of char*, each once, empty unless USERS_FOUND (g_ptr_array_unref frees all). */
enum users_result users_resolve(struct users *u, const char *address, const char *delimiters,
                                GPtrArray **users_r);
/* Whose mail somebody moves who is logged in by that name (Dovecot's %u). *user_r (g_free): the address
 * itself, or the first user behind the same aliases as a recipient's; of who is USERS_UNKNOWN the address,
 * NULL if it is none; NULL with USERS_TEMP. */
enum users_result users_of_login(struct users *u, const char *login, const char *delimiters,
                                 char **user_r);

bool users_alias_add(struct users *u, const char *address, const char *user, char **error_r);
bool users_alias_remove(struct users *u, const char *address, char **error_r);
/* Exactly these members (NULL-terminated), all or nothing. */
bool users_alias_set(struct users *u, const char *address, char *const *members, char **error_r);
/* Each row: address, member. False if it did not come to their end (see users_error): those before
 * were there. Without a file there are none. */
bool users_alias_each(struct users *u, void (*fn)(const char *, const char *, void *), void *arg)
    __attribute__((warn_unused_result));
/* value NULL removes it. Names and values are those of user_settings.h. */
bool users_set(struct users *u, const char *user, const char *name, const char *value,
               char **error_r);
/* Takes a user's settings and memberships away, all or nothing. */
bool users_forget(struct users *u, const char *user, char **error_r);
/* The same, then these: settings is name, value, ..., aliases addresses; arrays of char*. */
bool users_replace(struct users *u, const char *user, const GPtrArray *settings,
                   const GPtrArray *aliases, char **error_r);
/* What the user said, over what *s holds already (user_settings_of). False: it cannot be read now, and
 * *s is as it was. */
bool users_settings(struct users *u, const char *user, struct user_settings *s)
    __attribute__((warn_unused_result));
/* Each row as it lies there; user NULL: of all. False as users_alias_each. */
bool users_setting_each(struct users *u, const char *user,
                        void (*fn)(const char *user, const char *name, const char *value, void *),
                        void *arg) __attribute__((warn_unused_result));

/* Paths below state_dir; g_free. */
char *users_key_dir(const char *state_dir, const char *user);    /* keys/NAME */
char *users_store_path(const char *state_dir, const char *user); /* users/NAME.db */

#endif
