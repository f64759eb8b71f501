/* milter_front: the process that speaks the milter protocol (libmilter) with an MTA.
 *
 * libmilter has a thread for each connection. A front parses nothing: each thread collects what is
 * said, asks a worker (filterd/session/milter_session.h) and carries out its answer. Whatever goes wrong is
 * a tempfail. */
#ifndef FILTERD_SESSION_MILTER_FRONT_H
#define FILTERD_SESSION_MILTER_FRONT_H

#include "base/config/settings.h"

/* Listens at l's address, writes a byte to ready_fd, and serves until SIGTERM; messages under way
 * are finished then. Returns the process' exit code. */
int milter_front_run(const struct settings *s, const struct listener *l, int ready_fd);

#endif
