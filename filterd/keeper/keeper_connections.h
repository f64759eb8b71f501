/* keeper_connections: the keeper's clients, at both of its doors. None of them can hold the others up: frames
 * are collected as they come, answers leave as they are read, and who does neither loses the connection. */
#ifndef FILTERD_KEEPER_KEEPER_CONNECTIONS_H
#define FILTERD_KEEPER_KEEPER_CONNECTIONS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "filterd/keeper/peer_credentials.h"

/* Listening sockets that do not block, lent. */
struct keeper_doors {
    int control; /* filterctl and filterd-retrain */
    int workers; /* workers and filterd-pipe; -1: there is none */
    int tables;  /* a line to the tables' process, for logins that only those know; -1: there is none */
    const struct stat *importer; /* its end of its line: who hands over a descriptor of it is the importer; NULL: none */
};

struct keeper_service {
    /* Answers a request (FRAME_REQUEST) with a floating FRAME_ANSWER. connection: its descriptor, which is unique
     * while it is open. */
    GVariant *(*answer)(GVariant *request, const struct peer *peer, int connection, void *arg);
    /* The connection has ended, before its descriptor is closed. Not called for those that are open at the end. */
    void (*gone)(int connection, void *arg);
    void *arg;
    int lock_fd; /* of state_dir/lock, see peer_credentials_proves */
    guint worker_count; /* as many as there may be at a time */
};

struct keeper_connections;

struct keeper_connections *keeper_connections_new(const struct keeper_doors *doors,
                                                  const struct keeper_service *service);
/* Waits up to timeout_ms for something to do; false: there is nothing. */
bool keeper_connections_wait(struct keeper_connections *k, int timeout_ms);
/* Does what keeper_connections_wait found: all requests of clients that are gone, then at most one of each other.
 * A killed worker's last notes are about what another asks next. */
void keeper_connections_serve(struct keeper_connections *k);
/* True if a worker is connected. */
bool keeper_connections_have_worker(const struct keeper_connections *k);
/* Answers all requests that have arrived, and takes no more: who asks now finds the connection broken, and asks the
 * next keeper. */
void keeper_connections_finish(struct keeper_connections *k);
void keeper_connections_free(struct keeper_connections **k);

#endif
