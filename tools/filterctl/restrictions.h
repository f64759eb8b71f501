/* filterctl_restrictions: the access tables that Postfix's smtpd asks. */
#ifndef TOOLS_FILTERCTL_RESTRICTIONS_H
#define TOOLS_FILTERCTL_RESTRICTIONS_H

#include <stdbool.h>

#include "tools/filterctl/postconf.h"

/* True if the text of this table ("pcre:/etc/postfix/x", "static:{FILTER x}") has a FILTER action. */
bool filterctl_restrictions_has_filter(const char *table);
/* Calls fn with each table in a service's restrictions of which the text has a FILTER action, which smtpd_proxy_filter
 * disables: the setting's name ("smtpd_client_restrictions") and the table ("pcre:/etc/postfix/x"). */
void filterctl_restrictions_each_filter(const struct filterctl_postconf *p, const char *context,
                                        void (*fn)(const char *setting, const char *table, void *arg), void *arg);

#endif
