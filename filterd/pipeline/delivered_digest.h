/* delivered_digest: by what a copy is known again when its message comes once more.
 *
 * Sender, recipient, the fields its author wrote and the body, under a key of the site. Trace fields
 * (Received, Return-Path, DKIM-Signature, Authentication-Results) stay out: who tries again, or hands
 * it to us again, writes them anew. */
#ifndef FILTERD_PIPELINE_DELIVERED_DIGEST_H
#define FILTERD_PIPELINE_DELIVERED_DIGEST_H

#include <stdbool.h>

#include "base/mail/message.h"
#include "base/sitekey.h"

struct delivered_digest_key {
    unsigned char bytes[16];
};
/* What all copies of one message have in common. */
struct delivered_digest_content {
    unsigned char bytes[32];
    bool dated; /* it has a Date or a Message-ID: without, nobody can tell a retry from another alike,
                 * and it is better to have it twice than not at all */
};

struct delivered_digest_key delivered_digest_key_of(const struct sitekey *key);
/* Before fields are changed: of the message as it came. leg: the listener it came by, as what one has
 * sent on is another's to deliver. */
struct delivered_digest_content delivered_digest_content_of(const struct delivered_digest_key *key,
                                                    const char *leg, const struct message *m);
/* out has DELIVERED_DIGEST_BYTES (filterd/keeper/delivered.h). */
void delivered_digest_copy(const struct delivered_digest_key *key, const struct delivered_digest_content *content,
                       const char *sender, const char *recipient, unsigned char *out);

#endif
