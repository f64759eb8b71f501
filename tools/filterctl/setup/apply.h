/* apply: makes the changes of a plan, and takes them back. */
#ifndef TOOLS_FILTERCTL_SETUP_APPLY_H
#define TOOLS_FILTERCTL_SETUP_APPLY_H

#include <glib.h>
#include <stdbool.h>

#include "tools/filterctl/setup/plan.h"

/* Writes filterd's settings and looks whether the daemon answers with them; then carries out the steps and reloads
 * Postfix. A failure leaves Postfix as it was. Returns a sysexits code, after complaining. */
int filterctl_setup_apply(const struct filterctl_setup_site *site, const GPtrArray *steps);
/* Gives Postfix the files back that it had before, and takes filterd's settings away. If somebody has changed them
 * since, changes nothing and prints the difference. Returns a sysexits code. */
int filterctl_setup_apply_undo(const struct settings *s, const char *config_dir);

#endif
