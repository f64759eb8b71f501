/* dkim: verifies DKIM signatures (RFC 6376) with libopendkim; each signature has its own result. */
#ifndef RULES_AUTH_DKIM_H
#define RULES_AUTH_DKIM_H

#include <glib.h>

#include "base/dns/resolver.h"
#include "base/mail/message.h"
#include "rules/auth/dkim_signature.h"

/* DKIM_CODE_PASS is proof. DKIM_CODE_POLICY is a signature that may be valid but proves too little (rsa-sha1, a
 * key under 1024 bits, only a part of the body signed). One library per process, made after fork and before the
 * sandbox closes. */
struct dkim_library;
struct dkim_library *dkim_library_new(void);
void dkim_library_free(struct dkim_library **l);

/* The check of one message. */
struct dkim_check;
/* Call when the header is complete (CRLF lines, without the empty line): looks up the signatures' keys. header
 * is not kept. Ignores DKIM signatures over 8 KB and all after the tenth. */
struct dkim_check *dkim_check_new(struct dkim_library *l, struct resolver *r, const char *header,
                                  size_t len);
void dkim_check_free(struct dkim_check **c);
/* Call when the message is complete and no time is left to wait for keys: verifies. Array of struct
 * dkim_signature (by value), empty if the message has no DKIM signature; lent. */
const GArray *dkim_check_finish(struct dkim_check *c, const struct message *m);

const char *dkim_word(enum dkim_code code);

#endif
