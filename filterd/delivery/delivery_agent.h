/* delivery agent: does for a worker what the worker itself may no longer do: write to a disk, start
 * sendmail, write to standard output. It is on the outside of the sandbox and takes nothing but
 * finished messages: sealed ones, or ones logged as passed. */
#ifndef FILTERD_DELIVERY_DELIVERY_AGENT_H
#define FILTERD_DELIVERY_DELIVERY_AGENT_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/result.h"

/* The longest job that is taken: a message of the size limit, armored. */
#define COURIER_JOB_BYTES (1024u * 1024 * 1024)

/* A worker's side: path (maildir, or the sendmail program; "-" is standard output), sender,
 * recipient and the message, through the delivery agent's socket. Waits for the answer. Where none came it
 * closes the socket and makes it -1: what comes later is the answer to no other job. */
struct outcome delivery_agent_deliver(int *fd, const char *path, const char *const envelope[2],
                               const void *message, size_t len);

/* Forks a delivery agent that delivers to the maildirs of these settings and writes below their fixed parts
 * only; the worker's end of its socket, -1: failed, or there is no maildir. It ends when that end is
 * closed, or, if a sandbox is required and cannot be had, at once. */
int delivery_agent_start(const struct settings *s);

struct delivery_agent_job { /* all lent */
    const char *path, *sender, *recipient;
    GBytes *message;
    int worker; /* the socket it came through */
};
/* The other side: serves jobs until the socket closes. deliver returns NULL, or what went wrong. */
typedef char *delivery_agent_fn(const struct delivery_agent_job *job);
void delivery_agent_serve(int fd, delivery_agent_fn *deliver);
/* Somebody still waits for the answer. Whoever has stopped will have the message sent again. */
bool delivery_agent_is_awaited(const struct delivery_agent_job *job);

/* Writes one file into a maildir (tmp, fsync, new, fsync), making it if its parent is there.
 * Nothing appears in new once the worker has stopped waiting. */
char *delivery_agent_maildir(const struct delivery_agent_job *job);

#endif
