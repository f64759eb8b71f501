/* dmarc: checks that the From domain, which the reader sees, is one that SPF or DKIM proved (RFC 7489). Sends
 * no reports. */
#ifndef RULES_AUTH_DMARC_H
#define RULES_AUTH_DMARC_H

#include "base/dns/resolver.h"
#include "rules/auth/dmarc_record.h"
#include "rules/auth/spf_result.h"
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum dmarc_code { DMARC_CODE_NONE, DMARC_CODE_PASS, DMARC_CODE_FAIL, DMARC_CODE_TEMPERROR,
                  DMARC_CODE_PERMERROR };

struct dmarc_result {
    enum dmarc_code code;
    enum dmarc_policy policy; /* requested by the domain: p=, or sp= for a subdomain; sampled by pct= */
    char domain[256];         /* the From domain; of several the one whose policy it is */
    char reason[96];
    bool testing;   /* a pass that rests only on a DKIM key that is for testing (t=y): it proves nothing */
    bool uncertain; /* what mail readers show of From cannot be told for certain */
    bool borrows;   /* From's name or comment shows an address of this site, which From is not of */
};

struct dmarc_from;
struct dmarc_check;
/* Call when the header is complete: looks up the DMARC records of the From domain and of its organizational
 * domain, if From has exactly one address. own: domains of this site, NULL-terminated, lent until the check is
 * freed; NULL: none. */
struct dmarc_check *dmarc_check_new(struct resolver *r, const char *header, size_t len, char *const *own);
void dmarc_check_free(struct dmarc_check **c);
/* Call when SPF and DKIM are known. Without exactly one From address, looks up the records of the domains that
 * mail readers may see and that nothing proves: at most three, own ones first, then in order. True if there is an
 * answer to wait for before dmarc_check_finish. */
bool dmarc_check_ask(struct dmarc_check *c, const struct spf_result *spf, const GArray *signatures);
/* Call when no time is left to wait for answers. spf, signatures: NULL if not checked; then the result is none
 * where it would be fail. The policy is the record's, whatever the result.
 * Without exactly one From address the result is fail with the strictest policy that one of its domains has which
 * nothing proves (reject if there are more than three such domains), else permerror. It never is pass. */
struct dmarc_result dmarc_check_finish(struct dmarc_check *c, const struct spf_result *spf,
                                       const GArray *signatures);

const char *dmarc_word(enum dmarc_code code);
/* True if people read an address of one of these domains, or of one below it, in a name or comment of From, all of
 * whose addresses are of other domains. own: NULL-terminated; NULL: none. */
bool dmarc_from_borrows(const struct dmarc_from *from, char *const *own);
/* The registered (organizational) domain of a host by the Public Suffix List, lower case, IDNs as A-labels;
 * NULL if it has none or is an IP address. g_free. The first call loads the list: make it before the sandbox
 * closes, or the older list built into libpsl is used. */
char *dmarc_registered_domain(const char *host);

#endif
