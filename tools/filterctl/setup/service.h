/* service: filterd and Dovecot as systemd's services, where "filterctl setup" may start them. */
#ifndef TOOLS_FILTERCTL_SETUP_SERVICE_H
#define TOOLS_FILTERCTL_SETUP_SERVICE_H

#include <stdbool.h>

#include "base/config/settings.h"

/* True if systemd runs this host, and its unit filterd.service has these settings: the file is the default one, and we
 * are root. */
bool filterctl_setup_service_is_ours(const struct settings *s);
/* Runs "systemctl VERB UNIT". False after complaining. */
bool filterctl_setup_service_do(const char *verb, const char *unit);

#endif
