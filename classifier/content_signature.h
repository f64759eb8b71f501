/* content signature: the signature of a message that carries none, made of its content. */
#ifndef CLASSIFIER_CONTENT_SIGNATURE_H
#define CLASSIFIER_CONTENT_SIGNATURE_H

#include "base/mail/message.h"
#include "base/sitekey.h"

/* The same for the same message and user, wherever it lies: headers that are dropped or that
 * delivery writes do not count. Keyed, so that nobody finds a message by it. 24 characters; g_free. */
char *content_signature_new(const struct sitekey *key, const char *user, const struct message *m);

#endif
