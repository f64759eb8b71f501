/* dkim: RFC 6376 over libopendkim, every signature with a result of its own. */
#ifndef RULES_AUTH_DKIM_H
#define RULES_AUTH_DKIM_H

#include <glib.h>

#include "base/dns/resolver.h"
#include "base/mail/message.h"
#include "rules/auth/dkim_signature.h"

/* PASS is proof; POLICY is a signature that may be good and proves too little (rsa-sha1, a key under
 * 1024 bits, a part of the body). One per process, made after fork and before the sandbox closes. */
struct dkim_library;
struct dkim_library *dkim_library_new(void);
void dkim_library_free(struct dkim_library **l);

/* The check of one message. */
struct dkim_check;
/* The header is complete (CRLF lines, without the empty one): asks for the keys. header is not
 * kept. Signatures over 8 KB and all after the tenth are not looked at. */
struct dkim_check *dkim_check_new(struct dkim_library *l, struct resolver *r, const char *header,
                                  size_t len);
void dkim_check_free(struct dkim_check **c);
/* The message is complete, and the time for keys is over: verifies. Array of
 * struct dkim_signature (by value), empty if it is not signed; lent. */
const GArray *dkim_check_finish(struct dkim_check *c, const struct message *m);

const char *dkim_word(enum dkim_code code);

#endif
