/* filterctl_services: for whom a service of Postfix's master.cf takes mail. */
#ifndef TOOLS_FILTERCTL_SERVICES_H
#define TOOLS_FILTERCTL_SERVICES_H

#include <stdbool.h>

#include "tools/filterctl/postconf.h"

/* True if a service's command is that program, "smtpd -o ..." for "smtpd". */
bool filterctl_services_is(const char *command, const char *program);
/* True if an smtpd is for our own users: by its port, or as who comes there has to log in. */
bool filterctl_services_is_for_users(const struct filterctl_postconf *p, const char *context);
/* True if others than this host's programs can come to it: "smtp/inet", "192.0.2.1:25/inet", "smtpd/pass". */
bool filterctl_services_is_open(const char *context);

#endif
