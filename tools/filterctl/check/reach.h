/* reach: what filterd's user may do to a file or folder, now and after a restart. */
#ifndef TOOLS_FILTERCTL_CHECK_REACH_H
#define TOOLS_FILTERCTL_CHECK_REACH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/config/settings.h"

/* The running daemon's master process; 0: there is none, or it cannot be told. */
pid_t filterctl_reach_daemon(const struct settings *s);
/* The name of the user that filterd is, or runs as. */
const char *filterctl_reach_user(const struct settings *s);
/* Tries it as that user: access(2) with how, with the groups of the running daemon, or those of the user database if
 * daemon is 0. Returns 0 or errno; ENOSYS: only root and that user can tell. */
int filterctl_reach_try(const struct settings *s, pid_t daemon, const char *path, int how);
/* Tries a list of paths (NULL ends it) as another user, at most with their own group if alone. Returns the index of the first
 * that refuses, with errno in *why_r, or -1: none does, or only root can tell. */
int filterctl_reach_first(const char *user, bool alone, const char *const *paths, int how, int *why_r);

#endif
