/* delivered_attempt: one transaction, as the delivered-before memory knows it (filterd/keeper/delivered.h). The
 * session makes it, the pipeline uses it, and the session says how it ended. */
#ifndef FILTERD_PIPELINE_DELIVERED_ATTEMPT_H
#define FILTERD_PIPELINE_DELIVERED_ATTEMPT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "filterd/keeper/delivered.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/pipeline/delivered_origins.h"

struct delivered_attempt {
    unsigned char name[DELIVERED_ATTEMPT_BYTES];
    struct delivered_origins origins;
    GByteArray *copies; /* digests of those delivered, by this attempt or before */
};

struct delivered_attempt *delivered_attempt_new(void);
void delivered_attempt_free(struct delivered_attempt **a);

/* Begins, with origins set: which of these copies were delivered before? known_r: a 0 or 1 for each. */
void delivered_attempt_begin(struct delivered_attempt *a, struct keeper_client *k, const unsigned char *copies,
                             size_t count, unsigned char *known_r);
/* The next hop took this copy. spam: it was judged to be spam, so that who sent it on with the sender's signature
 * on it, from a place nobody trusts, does not spoil the mail for its recipient. */
void delivered_attempt_add(struct delivered_attempt *a, struct keeper_client *k, const unsigned char *copy,
                           bool spam);
/* The client has its reply, and will not send the message again. */
void delivered_attempt_done(struct delivered_attempt *a, struct keeper_client *k);
/* It will, or may. Call it before a reply that makes it. Does nothing after either of the two. */
void delivered_attempt_failed(struct delivered_attempt *a, struct keeper_client *k);

#endif
