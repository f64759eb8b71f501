/* dmarc: RFC 7489: does who the reader sees agree with who was proved. Reports are not sent. */
#ifndef RULES_AUTH_DMARC_H
#define RULES_AUTH_DMARC_H

#include "base/dns/resolver.h"
#include "rules/auth/dmarc_record.h"
#include "rules/auth/spf_result.h"
#include <glib.h>
#include <stddef.h>

enum dmarc_code { DMARC_CODE_NONE, DMARC_CODE_PASS, DMARC_CODE_FAIL, DMARC_CODE_TEMPERROR,
                  DMARC_CODE_PERMERROR };

struct dmarc_result {
    enum dmarc_code code;
    enum dmarc_policy policy; /* what the domain asks for (p, or sp for a subdomain), sampled by pct */
    char domain[256];         /* of From */
    char reason[96];
};

struct dmarc_check;
/* The header is complete: asks for the policies of the From domain and its organisational domain.
 * A message without exactly one From address has no result but permerror. */
struct dmarc_check *dmarc_check_new(struct resolver *r, const char *header, size_t len);
void dmarc_check_free(struct dmarc_check **c);
/* The time for answers is over. spf, signatures: NULL if not checked; then nothing fails for want of
 * them, the result is none. The policy is that of the record whatever the result. */
struct dmarc_result dmarc_check_finish(struct dmarc_check *c, const struct spf_result *spf,
                                       const GArray *signatures);

const char *dmarc_word(enum dmarc_code code);
/* The registered domain of a host by the Public Suffix List, lower case, IDNs as A-labels; NULL if
 * it has none or is an address. g_free. The first call loads the list: make it before the sandbox
 * closes, or the library's own, older one is used. */
char *dmarc_registered_domain(const char *host);

#endif
