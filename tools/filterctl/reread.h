/* filterctl_reread: whether the daemon has read the settings as they stand in their files now. */
#ifndef TOOLS_FILTERCTL_REREAD_H
#define TOOLS_FILTERCTL_REREAD_H

#include "base/config/settings.h"

/* A settings file, or conf.d, that was changed since the running daemon read it; g_free. NULL: there is none, or no daemon
 * runs. */
char *filterctl_reread_wanted(const struct settings *s);

#endif
