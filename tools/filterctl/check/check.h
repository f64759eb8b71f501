/* check: whether all that filterd needs of its surroundings is there. Each check is a file of this folder
 * and a line in the table of check.c. */
#ifndef TOOLS_FILTERCTL_CHECK_CHECK_H
#define TOOLS_FILTERCTL_CHECK_CHECK_H

#include "tools/filterctl/check/finding.h"

typedef void filterctl_check_fn(struct filterctl_check *c);
filterctl_check_fn filterctl_check_dns, filterctl_check_dnsbl, filterctl_check_clamav;
filterctl_check_fn filterctl_check_state, filterctl_check_hops, filterctl_check_listeners, filterctl_check_postfix;
filterctl_check_fn filterctl_check_host, filterctl_check_routes, filterctl_check_dovecot;
filterctl_check_fn filterctl_check_sockets, filterctl_check_tables, filterctl_check_fronts, filterctl_check_backs;
/* Parts of the checks of routes and of Postfix's settings; how many findings. */
filterctl_check_fn filterctl_check_delivery;
int filterctl_check_names(struct filterctl_check *c);

#endif
