/* ini: the lines of a settings file, in GLib's key file syntax, with their line numbers.
 *
 * Not GKeyFile itself: it knows no lines and merges doubled groups and keys silently. */
#ifndef BASE_CONFIG_INI_H
#define BASE_CONFIG_INI_H

#include <glib.h>

struct ini_entry {
    char *group; /* "listener in", as in [listener in] */
    char *name;  /* NULL: the group's own line */
    char *value; /* escapes (\s \n \t \r \\) resolved, blanks around it gone */
    int line;
};

struct ini {
    char *file;
    GPtrArray *entries; /* of struct ini_entry*, in order */
};

/* NULL with *error_r ("FILE:LINE: ...", g_free) if it cannot be read, is no such file, or has a
 * group or a key in a group twice. */
struct ini *ini_load(const char *file, char **error_r);
void ini_free(struct ini **ini);

#endif
