/* keeper_process: the only process that writes databases; it answers on the control socket and on that of the workers. */
#ifndef FILTERD_KEEPER_KEEPER_PROCESS_H
#define FILTERD_KEEPER_KEEPER_PROCESS_H

#include <stdbool.h>

#include "base/config/settings.h"
#include "base/config/state.h"
#include "base/sitekey.h"
#include "filterd/keeper/keeper_connections.h"

/* Call it before keeper_process_run, which then ends with EX_TEMPFAIL, and writes nothing more, when this state is not
 * there any more. Lent. */
void keeper_process_watch(const struct state *state);
/* Call it before keeper_process_run, which then writes the pid of each process there (a pid_t) that has held a lock on
 * a database for long. A pipe that does not block. */
void keeper_process_report_to(int fd);
/* True if a keeper does the same under both: what else it needs (state_dir, site_key, control) cannot change while the
 * daemon runs. */
bool keeper_process_same(const struct settings *a, const struct settings *b);
/* Serves both doors until SIGTERM; returns the exit code of the process. Writes a byte to ready_fd when the
 * databases are recovered and open. */
int keeper_process_run(const struct settings *s, const struct sitekey *key, const struct keeper_doors *doors,
                       int ready_fd);

#endif
