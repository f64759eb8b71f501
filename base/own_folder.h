/* own_folder: a folder that a user is to own, made and handed over by root. */
#ifndef BASE_OWN_FOLDER_H
#define BASE_OWN_FOLDER_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Makes the folder at path, and those above it, if it is missing, and gives it to this user ((uid_t)-1: to nobody).
 * Where the folder above it is that user's already, they could put a link in its place: that is refused. A link in
 * a folder of another's is followed. False with *error_r (g_free). */
bool own_folder_make(const char *path, mode_t mode, uid_t uid, gid_t gid, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
