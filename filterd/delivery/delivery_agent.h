/* delivery agent: a process that does for a worker what its sandbox forbids: write to a disk, start sendmail,
 * write to standard output. It runs outside that sandbox and takes only finished messages: sealed, or logged as
 * unsealed. */
#ifndef FILTERD_DELIVERY_DELIVERY_AGENT_H
#define FILTERD_DELIVERY_DELIVERY_AGENT_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/sitekey.h"
#include "base/result.h"

/* The longest job accepted: a message of the size limit, armored. */
#define DELIVERY_AGENT_JOB_BYTES (1024u * 1024 * 1024)

/* The worker's side. Sends path (maildir, or the sendmail program; "-" is standard output), sender, recipient
 * and the message through the agent's socket, and waits for the answer. If none comes, closes the socket and
 * sets *fd to -1, so that a late answer is not taken for that of another job. */
struct outcome delivery_agent_deliver(int *fd, const char *path, const char *const envelope[2],
                               const void *message, size_t len);

/* Forks a delivery agent for the maildirs of these settings, which may write below their fixed parts only.
 * Returns the worker's end of its socket; -1: fork failed, or there is no maildir. The agent ends when that end
 * is closed, or at once if a sandbox is required and cannot be set up. */
int delivery_agent_start(const struct settings *s, struct sitekey *key);

struct delivery_agent_job;
/* Delivers one: REASON_OK, or why it failed, with *error_r (g_free) for the log. */
typedef enum outcome_reason delivery_agent_fn(const struct delivery_agent_job *job, char **error_r);
struct delivery_agent_job { /* all lent */
    const char *path, *sender, *recipient;
    GBytes *message;
    int worker; /* the socket of the job's worker */
};
/* The agent's side: serves jobs until the socket is closed. */
void delivery_agent_serve(int fd, delivery_agent_fn *deliver);
/* True if the worker still waits for the answer. If not, the message will be sent again: do not deliver it. */
bool delivery_agent_is_awaited(const struct delivery_agent_job *job);

/* Writes one file into a maildir (tmp, fsync, new, fsync); makes the maildir if its parent exists. Nothing
 * appears in new once the worker has stopped waiting. */
enum outcome_reason delivery_agent_maildir(const struct delivery_agent_job *job,
                                           char **error_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
