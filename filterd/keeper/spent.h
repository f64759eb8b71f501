/* spent: which proofs of an earlier leg (filterd/pipeline/handoff.h) have delivered their copy to a user
 * (state_dir/spent.db), so that nobody can use one again with the same content.
 *
 * It holds digests and times, nothing else. If the file is lost, proofs of the last days can be used once more. */
#ifndef FILTERD_KEEPER_SPENT_H
#define FILTERD_KEEPER_SPENT_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/keeper_request.h"

/* Version of spent.db, see base/store.h. */
#define SPENT_VERSION 1

/* A digest of a proof and a user, and one of the message in the MTA's queue that spends it, of 8 bytes each;
 * the second is 0 where that message is not known. The same message may use the proof again: the MTA retries
 * it if our reply was lost, and delivers it to several addresses of one user. */
#define SPENT_BYTES 16

struct spent;

/* days: how long a proof can be used. Makes the file anew if it is damaged. NULL with one line in *error_r (g_free)
 * if it cannot be opened for another reason. */
struct spent *spent_open(const char *state_dir, int days, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void spent_free(struct spent **s);

/* Answers a request in the keeper: which of these are spent by another message (*known_r: a byte for each, 0 or 1;
 * g_bytes_unref), or (known_r is NULL) that they are spent now. s may be NULL: nothing is. Returns a sysexits
 * code; *text_r is one line (g_free) or left alone. */
int spent_handle(struct spent *s, const struct keeper_digests *wanted, GBytes **known_r,
                 char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* One digest; now: seconds since 1970. */
bool spent_is_by_another(struct spent *s, const unsigned char digest[SPENT_BYTES], gint64 now);
bool spent_add(struct spent *s, const unsigned char digest[SPENT_BYTES], gint64 now);
/* For tests: a tick deletes the oldest once the file is larger (otherwise 1 GB). */
void spent_bound(struct spent *s, gint64 bytes);
/* Deletes rows of proofs that are too old to be used, and the oldest of too many. */
void spent_tick(struct spent *s, gint64 now);

#endif
