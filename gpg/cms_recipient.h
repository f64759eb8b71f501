/* cms_recipient: the recipients of an enveloped S/MIME message (RFC 5652 section 6.2), read as strictly as they are
 * written: what no program writes there is text in disguise. */
#ifndef GPG_CMS_RECIPIENT_H
#define GPG_CMS_RECIPIENT_H

#include <stdbool.h>

#include "gpg/ber.h"
#include "gpg/noise.h"

#define CMS_ISSUERS_MAX 8
/* Readable bytes in the names of all issuers: a name has about 100, and recipients share them. */
#define CMS_NAMES_BYTES 512

struct cms_reader { /* start with zeros */
    struct noise keys, ids; /* all that should be random: wrapped keys and salts; identifiers and serial numbers */
    struct ber issuers[CMS_ISSUERS_MAX]; /* lent */
    size_t issuer_count, name_bytes;
};

/* Takes the SET's content: one recipient or more, each of a known kind, to its last byte. */
bool cms_reader_recipients(struct cms_reader *r, struct ber set);
/* Takes an AlgorithmIdentifier (RFC 5280 section 4.1.1.2), whose parameters are small. *oid_r may be NULL. */
bool cms_reader_algorithm(struct cms_reader *r, struct ber *from, struct ber *oid_r);
/* True if these are no more than what parameters and attributes consist of: numbers, salts, times, algorithms. */
bool cms_reader_values(struct cms_reader *r, struct ber b);

#endif
