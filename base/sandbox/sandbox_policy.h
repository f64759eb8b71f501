/* sandbox_policy: which sandbox each kind of process gets under these settings, and whether it works here. */
#ifndef BASE_SANDBOX_SANDBOX_POLICY_H
#define BASE_SANDBOX_SANDBOX_POLICY_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/sandbox/sandbox_kind.h"

/* Closes the sandbox of this kind around the process. False, with a line in the log, if something is missing
 * and sandbox=required. */
bool sandbox_policy_close(const struct settings *s, enum sandbox_kind kind);
/* Tries the sandbox of each kind of process that these settings start, and logs one line for each saying what
 * is in force. False, with a line in the log, if something is missing and sandbox=required. */
bool sandbox_policy_check(const struct settings *s);
/* A folder below which the master, and so all of its children, may write for ever once its sandbox is closed. */
struct sandbox_policy_folder {
    char *path;
    bool sockets; /* only sockets may be made in it, and files removed */
    bool links;   /* links may be made in it, and folders removed */
};
/* The folders that the processes of these settings write to: an array of struct sandbox_policy_folder, which
 * g_array_unref frees. */
GArray *sandbox_policy_folders(const struct settings *s);
/* The first folder of more that lies in none of had; NULL: there is none. Lent. */
const char *sandbox_policy_lacks(const GArray *had, const GArray *more);
/* True if a next hop is a maildir, so that delivery agents run. */
bool sandbox_policy_has_maildir(const struct settings *s);

#endif
