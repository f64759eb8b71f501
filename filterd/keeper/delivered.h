/* delivered: the keeper's delivered-before memory (state_dir/retries.db): copies delivered in an attempt that
 * did not end well, so that the next attempt delivers only what is missing.
 *
 * It holds digests (filterd/pipeline/delivered_digest.h) and times, nothing else. Rows written before the
 * process is killed remain; a power cut may lose rows, or the file: then a copy may come twice, and none is
 * lost. */
#ifndef FILTERD_KEEPER_DELIVERED_H
#define FILTERD_KEEPER_DELIVERED_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/keeper_request.h"

/* Version of retries.db, see base/store.h. 1: the format from before there were versions. */
#define DELIVERED_VERSION 1
/* Longer than an MTA tries (RFC 5321, section 4.5.4.1: four to five days). */
#define DELIVERED_KEPT_SECONDS (6 * 86400L)

/* Length of the digest that identifies a copy. */
#define DELIVERED_DIGEST_BYTES 16

struct delivered;

/* Makes the file anew if it is no database, or its table has another shape. NULL with one line in *error_r if
 * it cannot be opened for another reason, or a later version made it: then the file is left alone, and the
 * caller may try again. */
struct delivered *delivered_open(const char *state_dir, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void delivered_free(struct delivered **r);

enum delivered_deed { DELIVERED_KNOWN, DELIVERED_SERVED, DELIVERED_FORGET };
/* Answers a request in the keeper. *known_r: a byte for each digest, 0 or 1 (g_bytes_unref); known_r is NULL
 * for the other deeds. r may be NULL: nothing is known. Returns a sysexits code; *text_r is one line (g_free)
 * or left alone. */
int delivered_handle(struct delivered *r, enum delivered_deed deed, const struct keeper_digests *wanted,
                   GBytes **known_r, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* now: seconds since 1970. */
bool delivered_is_known(struct delivered *r, const void *digest, long now);
bool delivered_add(struct delivered *r, const void *digest, long now);
bool delivered_forget(struct delivered *r, const void *digest);
/* Deletes expired rows. */
void delivered_tick(struct delivered *r, long now);

#endif
