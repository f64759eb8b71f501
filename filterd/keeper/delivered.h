/* retries: the keeper's memory of copies that went through in an attempt that did not end well
 * (state_dir/retries.db), so that the next one delivers only what is missing.
 *
 * Digests (filterd/pipeline/delivered_digest.h) and times alone. What a killed process wrote is there afterwards;
 * a power cut may lose rows, or the file: then a copy may come twice, and none is lost. */
#ifndef FILTERD_KEEPER_DELIVERED_H
#define FILTERD_KEEPER_DELIVERED_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/keeper_request.h"

/* Of retries.db, see base/store.h. 1: as it was before there were versions. */
#define DELIVERED_VERSION 1
/* Longer than an MTA tries (RFC 5321, 4.5.4.1: four to five days). */
#define DELIVERED_KEPT_SECONDS (6 * 86400L)

/* By these a copy is known again. */
#define DELIVERED_DIGEST_BYTES 16

struct delivered;

/* A file that is no database, or whose table has another shape, is made anew. NULL with one line if it
 * cannot be opened for another reason, or a later version made it: then it is left as it is, and may be
 * tried again. */
struct delivered *delivered_open(const char *state_dir, char **error_r);
void delivered_free(struct delivered **r);

enum delivered_deed { DELIVERED_KNOWN, DELIVERED_SERVED, DELIVERED_FORGET };
/* The keeper's side. *known_r: a byte for each digest, 0 or 1 (g_bytes_unref); known_r is NULL for the
 * other deeds. r may be NULL: nothing is known. A sysexits code; *text_r one line (g_free) or left
 * alone. */
int delivered_handle(struct delivered *r, enum delivered_deed deed, const struct keeper_digests *wanted,
                   GBytes **known_r, char **text_r);
/* now: seconds since 1970. */
bool delivered_is_known(struct delivered *r, const void *digest, long now);
bool delivered_add(struct delivered *r, const void *digest, long now);
bool delivered_forget(struct delivered *r, const void *digest);
/* Forgets what is old. */
void delivered_tick(struct delivered *r, long now);

#endif
