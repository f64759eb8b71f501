/* delivered_digest: the digest by which the delivered-before memory recognises a copy when the same message
 * comes again.
 *
 * It covers the leg, sender, recipient, the fields written by the author and the body, under a key derived from
 * the site key. Trace fields (Received, Return-Path, DKIM-Signature, Authentication-Results) stay out: an MTA
 * that tries again writes them anew. */
#ifndef FILTERD_PIPELINE_DELIVERED_DIGEST_H
#define FILTERD_PIPELINE_DELIVERED_DIGEST_H

#include <stdbool.h>

#include "base/mail/message.h"
#include "base/sitekey.h"

struct delivered_digest_key {
    unsigned char bytes[16];
};
/* The part of the digest that all copies of one message share. */
struct delivered_digest_content {
    unsigned char bytes[32];
    bool dated; /* the message has a Date or a Message-ID. Without either, a retry cannot be told from another
                 * message with the same text, and delivering it twice is better than not at all */
};

struct delivered_digest_key delivered_digest_key_of(const struct sitekey *key);
/* Of the message as received: call it before fields are changed. leg is the listener's name: a copy that one
 * leg has passed on is still to be delivered by the next. */
struct delivered_digest_content delivered_digest_content_of(const struct delivered_digest_key *key,
                                                    const char *leg, const struct message *m);
/* out has room for DELIVERED_DIGEST_BYTES (filterd/keeper/delivered.h). */
void delivered_digest_copy(const struct delivered_digest_key *key, const struct delivered_digest_content *content,
                       const char *sender, const char *recipient, unsigned char *out);

#endif
