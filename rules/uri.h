/* uri: the hosts that a message leads its reader to. */
#ifndef RULES_URI_H
#define RULES_URI_H

#include <stddef.h>

#include "base/mail/message.h"

/* Calls fn for the host of every URL and mail address in text (any bytes, plain or HTML), as it is
 * written, in order; also where HTML or percents disguise it, and without a scheme after "www.". */
void uri_each(const char *text, size_t len, void (*fn)(const char *host, void *arg), void *arg);
/* The same for a whole message: its texts, HTML, and the header fields a reader acts on (From,
 * Sender, Reply-To, List-Unsubscribe, Subject). The same host may come again. */
void uri_each_of(const struct message *m, void (*fn)(const char *host, void *arg), void *arg);

#endif
