/* tables_process: the process that alone reads the map files of [users] and talks to table servers.
 *
 * It answers workers, and the keeper, one question after the other, and remembers answers (tables_cache.h). It has
 * the network, writes no file, and executes nothing but postmap and postconf. */
#ifndef FILTERD_TABLES_TABLES_PROCESS_H
#define FILTERD_TABLES_TABLES_PROCESS_H

#include "base/config/settings.h"

struct tables_process_env {
    const struct settings *settings;
    int listen_fd; /* where workers connect: SOCK_SEQPACKET */
    int keeper_fd; /* a line to the keeper; -1: none */
};

/* Closes the sandbox around this process and serves until SIGUSR2, or until the master is gone. Closes all
 * descriptors except 0, 1, 2 and those in place. Returns an exit code. */
int tables_process_run(const struct tables_process_env *env);

/* One question answered, packed; NULL if it is none. For tests. */
struct tables_desk;
struct tables_desk *tables_process_desk_new(const struct settings *s);
void tables_process_desk_free(struct tables_desk **d);
GBytes *tables_process_answer(struct tables_desk *d, const char *question, size_t len);

#endif
