/* dmarc_record: the text at _dmarc.DOMAIN (RFC 7489, section 6.3). */
#ifndef RULES_AUTH_DMARC_RECORD_H
#define RULES_AUTH_DMARC_RECORD_H

#include <stdbool.h>
#include <stddef.h>

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };

struct dmarc_record {
    enum dmarc_policy policy;     /* p= */
    enum dmarc_policy subdomain;  /* sp=, or as p= */
    bool strict_dkim, strict_spf; /* adkim=s, aspf=s */
    int percent;                  /* pct=, 0 to 100 */
};

const char *dmarc_policy_word(enum dmarc_policy policy);
/* True if the text is a DMARC record at all: v=DMARC1 is its first tag. */
bool dmarc_record_is(const char *text, size_t len);
/* False if nothing can be done with it: no list of tags; or no p= or a wrong p= or sp=, and no
 * address for reports either (with one it stands for p=none, section 6.6.3). Other wrong values
 * count as not given, unknown tags are passed over. */
bool dmarc_record_parse(const char *text, size_t len, struct dmarc_record *record_r);

#endif
