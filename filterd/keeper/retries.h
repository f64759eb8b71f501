/* retries: the keeper's memory of copies that went through in an attempt that did not end well
 * (state_dir/retries.db), so that the next one delivers only what is missing.
 *
 * Digests (filterd/pipeline/retry_digest.h) and times alone. What a killed process wrote is there afterwards;
 * a power cut may lose rows, or the file: then a copy may come twice, and none is lost. */
#ifndef FILTERD_KEEPER_RETRIES_H
#define FILTERD_KEEPER_RETRIES_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/keeper_request.h"

/* Longer than an MTA tries (RFC 5321, 4.5.4.1: four to five days). */
#define RETRIES_KEPT_SECONDS (6 * 86400L)

/* By these a copy is known again. */
#define RETRIES_DIGEST_BYTES 16

struct retries;

/* A file that is no database, or another version's, is made anew. NULL with one line if it cannot be
 * opened for another reason: then it is left as it is, and may be tried again. */
struct retries *retries_open(const char *state_dir, char **error_r);
void retries_free(struct retries **r);

enum retries_deed { RETRIES_KNOWN, RETRIES_SERVED, RETRIES_FORGET };
/* The keeper's side. *known_r: a byte for each digest, 0 or 1 (g_bytes_unref); known_r is NULL for the
 * other deeds. r may be NULL: nothing is known. A sysexits code; *text_r one line (g_free) or left
 * alone. */
int retries_handle(struct retries *r, enum retries_deed deed, const struct keeper_digests *wanted,
                   GBytes **known_r, char **text_r);
/* now: seconds since 1970. */
bool retries_is_known(struct retries *r, const void *digest, long now);
bool retries_add(struct retries *r, const void *digest, long now);
bool retries_forget(struct retries *r, const void *digest);
/* Forgets what is old. */
void retries_tick(struct retries *r, long now);

#endif
