/* filterctl_alias_import: "filterctl alias import". */
#ifndef TOOLS_FILTERCTL_ALIAS_IMPORT_H
#define TOOLS_FILTERCTL_ALIAS_IMPORT_H

#include "tools/filterctl/filterctl.h"

/* argv begins behind "alias import". A sysexits code; EX_UNAVAILABLE: there is no Postfix. */
int filterctl_alias_import(struct filterctl *ctl, int argc, char **argv);

#endif
