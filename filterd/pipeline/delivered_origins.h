/* delivered_origins: where an attempt at a message came from. The delivered-before memory takes a message for a
 * retry only if it has an origin of the attempt that failed: anybody who has a mail can send one like it.
 *
 * After the queue that is the queue file: what the MTA calls itself, its queue id by XFORWARD, and that of the
 * Received field which it wrote on top (local mail and bounces have only this one). Before the queue it is the
 * client's network, and the domains that were proved: big senders retry from elsewhere. */
#ifndef FILTERD_PIPELINE_DELIVERED_ORIGINS_H
#define FILTERD_PIPELINE_DELIVERED_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/message.h"
#include "filterd/keeper/delivered.h"
#include "filterd/pipeline/delivered_digest.h"
#include "filterd/pipeline/received.h"

struct delivered_origins {
    unsigned char digests[DELIVERED_ORIGINS][DELIVERED_ORIGIN_BYTES];
    size_t count; /* 0: nobody can tell a retry of this message */
    size_t sure;  /* the first of them, that no stranger has. The others rest on a DKIM signature, which everybody
                   * can send on together with the mail it is in */
    bool queue;   /* it is a queue file: no other message has it */
};

/* Of the message as received, when its evidence is complete. hostname: ours. */
struct delivered_origins delivered_origins_of(const struct delivered_digest_key *key, const struct received *a,
                                              const struct message *m, const char *hostname);

#endif
