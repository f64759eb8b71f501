/* users_state: what users.c and users_write.c share. */
#ifndef BASE_CONFIG_USERS_STATE_H
#define BASE_CONFIG_USERS_STATE_H

#include <stdbool.h>

#include "base/store.h"

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
};

#endif
