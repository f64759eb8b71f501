/* milter_front: the process that speaks the milter protocol (libmilter) with an MTA.
 *
 * libmilter has a thread for each connection. This process parses nothing: each thread collects what the MTA
 * says, asks a worker (filterd/session/milter_session.h) and carries out its answer. Every error is a tempfail. */
#ifndef FILTERD_SESSION_MILTER_FRONT_H
#define FILTERD_SESSION_MILTER_FRONT_H

#include "base/config/settings.h"

/* Serves l at the socket listen_fd, which it takes over, and writes a byte to ready_fd when it is ready. SIGTERM:
 * accepts no more, finishes the messages under way and ends. SIGUSR1: the same, but ends only when the MTA has
 * closed all connections, or those that are left are between messages for long. Returns the exit code of the
 * process. */
int milter_front_run(const struct settings *s, const struct listener *l, int listen_fd, int ready_fd);

#endif
