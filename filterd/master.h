/* master: binds sockets, drops root, forks, restarts. It never reads a byte of a message. */
#ifndef FILTERD_MASTER_H
#define FILTERD_MASTER_H

#include "base/config/settings.h"

/* Runs the daemon until SIGTERM or SIGINT; SIGHUP reads the settings again. Takes s over. Returns a sysexits
 * code. */
int master_run(struct settings *s);

#endif
