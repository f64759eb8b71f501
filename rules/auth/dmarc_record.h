/* dmarc_record: parses the TXT record at _dmarc.DOMAIN (RFC 7489 section 6.3). */
#ifndef RULES_AUTH_DMARC_RECORD_H
#define RULES_AUTH_DMARC_RECORD_H

#include <stdbool.h>
#include <stddef.h>

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };

struct dmarc_record {
    enum dmarc_policy policy;     /* p= */
    enum dmarc_policy subdomain;  /* sp=; without it, the same as p= */
    bool strict_dkim, strict_spf; /* adkim=s, aspf=s */
    int percent;                  /* pct=, 0 to 100 */
};

const char *dmarc_policy_word(enum dmarc_policy policy);
/* True if the text is a DMARC record, valid or not: its first tag is v=DMARC1. */
bool dmarc_record_is(const char *text, size_t len);
/* False if the record is of no use: not a list of tags, or a missing or wrong p= or a wrong sp= without an
 * address for reports (with one the record counts as p=none, section 6.6.3). Other wrong values count as
 * missing; unknown tags are ignored. */
bool dmarc_record_parse(const char *text, size_t len, struct dmarc_record *record_r);

#endif
