/* users_state: what users.c, users_resolve.c, users_tables.c and users_write.c share. */
#ifndef BASE_CONFIG_USERS_STATE_H
#define BASE_CONFIG_USERS_STATE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/users_result.h"
#include "base/store.h"

struct users_tables;
struct users {
    char *state_dir, *path;
    bool for_writing;
    sqlite3 *db; /* NULL: at the last look there was no file, or it could not be read */
    unsigned held;
    bool expects_file; /* a missing file is an error */
    bool has_notes;    /* the file is of a version with notes of keys */
    bool logs;   /* log errors: no caller reports them */
    bool failed; /* the last read failed */
    char *error; /* the last error */
    const struct users_tables *tables; /* lent; NULL: none are asked */
};

/* The members of the alias of exactly this name, of char*; NULL on error. */
GPtrArray *users_members(struct users *u, const char *address);
/* Has the query, with text bound to ?1, a row? */
enum users_result users_has_row(struct users *u, const char *sql, const char *text);
/* Between these two the file is not held (see users_hold): what happens takes a while. */
void users_pause(struct users *u);
void users_go_on(struct users *u);

#endif
