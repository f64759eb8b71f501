/* filterctl_export: a user's settings, aliases and model into a file, and back (see
 * filterd/keeper/export.h). */
#ifndef TOOLS_FILTERCTL_EXPORT_H
#define TOOLS_FILTERCTL_EXPORT_H

#include "tools/filterctl/filterctl.h"

/* file NULL or "-": standard output. Sysexits codes, the reason on stderr. */
int filterctl_export_write(struct filterctl *ctl, const char *user, const char *file);
int filterctl_export_read(struct filterctl *ctl, const char *user, const char *file);

#endif
