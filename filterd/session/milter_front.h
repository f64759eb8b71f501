/* milter_front: the process that speaks the milter protocol (libmilter) with an MTA.
 *
 * libmilter has a thread for each connection. This process parses nothing: each thread collects what the MTA
 * says, asks a worker (filterd/session/milter_session.h) and carries out its answer. Every error is a tempfail. */
#ifndef FILTERD_SESSION_MILTER_FRONT_H
#define FILTERD_SESSION_MILTER_FRONT_H

#include "base/config/settings.h"

/* Listens at l's address, writes a byte to ready_fd when it does, and serves until SIGTERM; then finishes the
 * messages under way. Returns the exit code of the process. */
int milter_front_run(const struct settings *s, const struct listener *l, int ready_fd);

#endif
