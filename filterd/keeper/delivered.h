/* delivered: the keeper's delivered-before memory (state_dir/retries.db): copies delivered in an attempt that
 * did not end well, so that the next attempt delivers only what is missing.
 *
 * An attempt is one transaction of a session. It is open from the first request about it until its session says
 * how it ended: done (all its copies are forgotten) or failed. It has also failed when the worker's connection
 * ends before that. Only the copies of a failed attempt are known to a later one, only to one of the same origin
 * (filterd/pipeline/delivered_origin.h), and each of them to one: equal messages that sessions deliver at the same
 * time do not count as retries of each other.
 *
 * It holds digests (filterd/pipeline/delivered_digest.h), process ids and times, nothing else. Rows written before
 * the keeper is killed remain, those of open attempts as open while their process lives; a power cut may lose
 * rows, or the file: then a copy may come twice, and none is lost. */
#ifndef FILTERD_KEEPER_DELIVERED_H
#define FILTERD_KEEPER_DELIVERED_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/delivered_attempts.h"
#include "filterd/keeper/keeper_request.h"

/* Version of retries.db, see base/store.h. 1: without attempts and origins; its rows match nothing any more. */
#define DELIVERED_VERSION 2
/* Longer than an MTA tries (RFC 5321, section 4.5.4.1: four to five days). */
#define DELIVERED_KEPT_SECONDS (6 * 86400L)

/* Length of the digest that identifies a copy, and of that of an origin. */
#define DELIVERED_DIGEST_BYTES 16
#define DELIVERED_ORIGIN_BYTES 16
/* Origins of one attempt, at most. */
#define DELIVERED_ORIGINS 8

struct delivered;

/* Makes the file anew if it is no database, or its table has another shape. NULL with one line in *error_r if
 * it cannot be opened for another reason, or a later version made it: then the file is left alone, and the
 * caller may try again. */
struct delivered *delivered_open(const char *state_dir, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void delivered_free(struct delivered **r);

/* The requests that follow come over this connection: a descriptor, which is unique while it is open. */
void delivered_turn_to(struct delivered *r, int connection);
/* This connection has ended: an attempt that was open on it has failed. */
void delivered_hang_up(struct delivered *r, int connection);

/* DELIVERED_KNOWN: the attempt begins; which of its copies did a failed attempt of the same origin deliver? These
 * belong to the new attempt from now on. DELIVERED_SERVED: the next hop took these copies. DELIVERED_FORGET: it
 * is done. DELIVERED_FAILED: it has failed; these are the copies of it that were delivered, now or before. */
enum delivered_deed { DELIVERED_KNOWN, DELIVERED_SERVED, DELIVERED_FORGET, DELIVERED_FAILED };
/* Answers a request in the keeper. *known_r: a byte for each copy, 0 or 1 (g_bytes_unref); known_r is NULL
 * for the other deeds. r may be NULL: nothing is known. Returns a sysexits code; *text_r is one line (g_free)
 * or left alone. */
int delivered_handle(struct delivered *r, enum delivered_deed deed, const struct keeper_delivered *wanted,
                   GBytes **known_r, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* For tests: the file takes no more copies once it is larger (otherwise 256 MB). */
void delivered_bound(struct delivered *r, gint64 bytes);
/* Deletes expired rows; opens the file again if it had to be closed; looks at its size. now: seconds since 1970. */
void delivered_tick(struct delivered *r, long now);

#endif
