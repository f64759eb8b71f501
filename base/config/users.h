/* users: which users an address belongs to, and their settings.
 *
 * A user is a canonical address. A user exists if there is a key for it (the folder state_dir/keys/NAME, or a note
 * that there was one), if it is the member of an alias, or if it has a setting. Aliases, settings and the notes
 * are stored in state_dir/users.db, which only the keeper opens for writing (or filterctl, where no keeper runs). */
#ifndef BASE_CONFIG_USERS_H
#define BASE_CONFIG_USERS_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/users_result.h"

/* The version of users.db (see base/store.h). 1: the same tables as before versioning. 2: notes of who has a key;
 * the upgrade makes them of the key folders. */
#define USERS_VERSION 2

struct settings;
struct users;
struct users_tables;
struct user_settings;

/* Opens users.db; for reading, a missing file counts as empty. NULL with *error_r (g_free) if it cannot be
 * read, or a later version made it. */
struct users *users_open(const char *state_dir, bool for_writing, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* For a process that runs on: if the file cannot be read now, logs that and tries again at each later call.
 * Until then users_resolve returns USERS_TEMP. */
struct users *users_watch(const char *state_dir);
/* From now on a missing users.db cannot be read, as "filterctl init" made one: it does not count as empty. */
void users_expect_file(struct users *u);
/* Closes the file until the next read: its folder is somebody else's now, or is to be unmounted. */
void users_let_go(struct users *u);
void users_free(struct users **u);
/* Why the last read that failed did so, with the file's name; NULL if none has failed. */
const char *users_error(const struct users *u);

/* All reads between these two see one state of the file, and lock it once instead of once per query. They may
 * nest; u may be NULL. Keep it short: no process can write meanwhile. For readers only. */
void users_hold(struct users *u);
void users_release(struct users *u);

/* From now on the operator's own tables (base/config/users_tables.h, lent) are asked, too, by users_resolve and
 * users_of_login; NULL: no more. */
void users_use_tables(struct users *u, const struct users_tables *tables);

/* Whether a key, a setting or an alias' member has exactly this name. */
enum users_result users_exists(struct users *u, const char *user);
/* By a key or a setting. */
enum users_result users_exists_itself(struct users *u, const char *user);
/* By a key, or the note of one. */
enum users_result users_keyed(struct users *u, const char *user);
/* Finds the users behind an address: through aliases (up to 100 deep, loops cut), else the address itself, else
 * both again without its extension (a member's extension likewise), else through an alias of its whole domain:
 * the same at another ("@old.example" with the member "@example.com"), or who gets the rest. With tables: see
 * users_tables.h. *users_r is always a new array of char*,
 * without duplicates, empty unless USERS_FOUND (g_ptr_array_unref frees all). */
enum users_result users_resolve(struct users *u, const char *address, const char *delimiters,
                                GPtrArray **users_r);
/* The same without who gets the rest of a domain: a name that is not known there may be somebody's elsewhere. */
enum users_result users_resolve_named(struct users *u, const char *address, const char *delimiters,
                                      GPtrArray **users_r);
/* By which of its spellings (base/address_spellings.h) users.db knows an address: the first of them that leads to somebody
 * with a key, else the first that is known; of both the address as it stands before others. Neither the tables count
 * nor who gets the rest of a domain. *spelling_r (g_free) is NULL unless USERS_FOUND. */
enum users_result users_spelling(struct users *u, const char *address, const char *delimiters, char **spelling_r);
/* Finds the user behind a Dovecot login name (%u). A name without a domain that is no alias gets ours, if the
 * settings name just one. *user_r (g_free) is the address itself if it is among the users that it resolves to, else
 * the only one of them. With USERS_UNKNOWN it is the canonical address, NULL if login is no address or an alias of
 * several others; with USERS_TEMP it is NULL. */
enum users_result users_of_login(struct users *u, const char *login, const struct settings *s,
                                 char **user_r);

/* users_alias_add and users_set also make an alias of what the address folds to (see address_folded), where that is
 * another and nobody's; users_alias_remove takes it away. */
bool users_alias_add(struct users *u, const char *address, const char *user, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
bool users_alias_remove(struct users *u, const char *address, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Replaces the members of an alias by these (NULL-terminated), all or nothing. */
bool users_alias_set(struct users *u, const char *address, char *const *members, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Calls fn for each row (address, member). False if a read failed (see users_error); the rows before that were
 * reported. No file: no rows. */
bool users_alias_each(struct users *u, void (*fn)(const char *, const char *, void *), void *arg)
    __attribute__((warn_unused_result));
/* Notes that the user has keys, or has none any more. The note is made before the key folder and removed after it:
 * so a note without a folder is a key that was lost, and never means plaintext. */
bool users_key_note(struct users *u, const char *user, bool has_key, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Is there such a note? */
enum users_result users_key_noted(struct users *u, const char *user);
/* Calls fn for each note. False as users_alias_each. */
bool users_key_each(struct users *u, void (*fn)(const char *user, void *arg), void *arg)
    __attribute__((warn_unused_result));
/* Sets a user's setting; value NULL removes it. Names and values are those of user_settings.h. */
bool users_set(struct users *u, const char *user, const char *name, const char *value,
               char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Removes a user's settings and alias memberships, all or nothing. */
bool users_forget(struct users *u, const char *user, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Removes them and sets these instead, all or nothing. settings: name, value, ...; aliases: the addresses the
 * user is a member of; arrays of char*, or NULL. */
bool users_replace(struct users *u, const char *user, const GPtrArray *settings,
                   const GPtrArray *aliases, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Puts the user's own settings over those in *s (from user_settings_of). False if they cannot be read now; *s
 * is then unchanged. */
bool users_settings(struct users *u, const char *user, struct user_settings *s)
    __attribute__((warn_unused_result));
/* Calls fn for each setting as stored; user NULL: those of all users. False as users_alias_each. */
bool users_setting_each(struct users *u, const char *user,
                        void (*fn)(const char *user, const char *name, const char *value, void *),
                        void *arg) __attribute__((warn_unused_result));

/* Paths below state_dir; g_free them. */
char *users_key_dir(const char *state_dir, const char *user);    /* keys/NAME */
char *users_store_path(const char *state_dir, const char *user); /* users/NAME.db */

#endif
