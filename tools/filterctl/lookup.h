/* filterctl_lookup: one question to DNS lists, SPF, DKIM, DMARC, clamd or the tables of users, as the filter asks it. Each is a
 * line in the table of lookup.c and a file lookup_NAME.c. */
#ifndef TOOLS_FILTERCTL_LOOKUP_H
#define TOOLS_FILTERCTL_LOOKUP_H

#include "base/dns/resolver.h"
#include "tools/filterctl/filterctl.h"

/* argv[0] is the kind of question; r resolves names. They return a sysexits code; on EX_USAGE the caller
 * prints the usage. */
typedef int filterctl_lookup_command(struct filterctl *ctl, struct resolver *r, int argc,
                                     char **argv);
filterctl_lookup_command filterctl_lookup_dnsbl;
filterctl_lookup_command filterctl_lookup_dkim, filterctl_lookup_dmarc, filterctl_lookup_spf;
filterctl_lookup_command filterctl_lookup_user, filterctl_lookup_virus;

/* Prints one line: the result's word, a tab, the reason; in JSON an object of both. */
void filterctl_lookup_tell(const struct filterctl *ctl, const char *result, const char *reason);

#endif
