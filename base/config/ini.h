/* ini: the lines of a settings file, in GLib's key file syntax, with their line numbers.
 *
 * GKeyFile itself will not do: it has no line numbers and silently merges groups and keys that occur twice. */
#ifndef BASE_CONFIG_INI_H
#define BASE_CONFIG_INI_H

#include <glib.h>

struct ini_entry {
    char *group; /* "listener in", as in [listener in] */
    char *name;  /* NULL for the line [group] itself */
    char *value; /* escapes (\s \n \t \r \\) resolved, surrounding blanks removed */
    const char *file; /* lent by the struct ini: where the line stands */
    int line;
};

struct ini {
    char *file;         /* the one that was asked for */
    GPtrArray *files;   /* of char*: that one, then its drop-ins */
    GPtrArray *entries; /* of struct ini_entry*, in order, those of a group together */
};

/* Reads file. NULL with *error_r ("FILE:LINE: ...", g_free) if it cannot be read, is malformed, or has a group,
 * or a key in a group, twice. */
struct ini *ini_load(const char *file, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Reads file as ini_load does, then, if its name is filterd.conf, those named *.conf in the folder conf.d beside it,
 * in the order of their names as bytes: what stands in a later one replaces what stands before. */
struct ini *ini_load_all(const char *file, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void ini_free(struct ini **ini);

#endif
