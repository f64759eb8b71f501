/* content signature: stands in for the signature of learning in a message that has none; derived from its
 * content. */
#ifndef CLASSIFIER_CONTENT_SIGNATURE_H
#define CLASSIFIER_CONTENT_SIGNATURE_H

#include "base/mail/message.h"
#include "base/sitekey.h"

/* The same message of the same user gets the same signature in every folder: header fields that filterd drops
 * or that delivery adds do not count. It is keyed, so that nobody can search for a message by it. 24
 * characters; g_free. */
char *content_signature_new(const struct sitekey *key, const char *user, const struct message *m);

#endif
