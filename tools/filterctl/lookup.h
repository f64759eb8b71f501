/* filterctl_lookup: one question to DNS lists, SPF or DKIM, as the filter asks it: a line of the
 * table in filterctl_lookup.c for each, in a file of its own (filterctl_lookup_NAME.c). */
#ifndef TOOLS_FILTERCTL_LOOKUP_H
#define TOOLS_FILTERCTL_LOOKUP_H

#include "base/dns/resolver.h"
#include "tools/filterctl/filterctl.h"

/* argv[0] is the sub-word; r is there to be asked. They return a sysexits code; EX_USAGE makes the
 * caller print the usage. */
typedef int filterctl_lookup_command(struct filterctl *ctl, struct resolver *r, int argc,
                                     char **argv);
filterctl_lookup_command filterctl_lookup_dnsbl;
filterctl_lookup_command filterctl_lookup_dkim, filterctl_lookup_dmarc, filterctl_lookup_spf;
filterctl_lookup_command filterctl_lookup_virus;

/* One line: the result's word, a tab, the reason; in JSON an object of both. */
void filterctl_lookup_tell(const struct filterctl *ctl, const char *result, const char *reason);

#endif
