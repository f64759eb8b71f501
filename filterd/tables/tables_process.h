/* tables_process: the process that alone reads the map files of [users] and talks to table servers.
 *
 * It answers workers, and the keeper, and remembers answers (tables_cache.h). Those it forks ask the tables
 * (lookup_pool.h), so it never waits for a server. All have the network, write no file, and execute nothing but
 * postmap and postconf. */
#ifndef FILTERD_TABLES_TABLES_PROCESS_H
#define FILTERD_TABLES_TABLES_PROCESS_H

#include "base/config/settings.h"

struct tables_process_env {
    const struct settings *settings;
    int listen_fd; /* where workers connect: SOCK_SEQPACKET */
    int keeper_fd; /* a line to the keeper; -1: none */
    int importer_fd; /* a line to the importer (key_import.h); -1: none */
};

/* Closes the sandbox around this process and serves until SIGUSR2, or until the master is gone. Closes all
 * descriptors except 0, 1, 2 and those in place. Returns an exit code. */
int tables_process_run(const struct tables_process_env *env);

#endif
