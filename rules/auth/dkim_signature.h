/* dkim_signature: the tags of a DKIM signature and the result of verifying it. */
#ifndef RULES_AUTH_DKIM_SIGNATURE_H
#define RULES_AUTH_DKIM_SIGNATURE_H

#include <stdbool.h>

enum dkim_code { DKIM_CODE_NONE, DKIM_CODE_PASS, DKIM_CODE_FAIL, DKIM_CODE_POLICY,
                 DKIM_CODE_NEUTRAL, DKIM_CODE_TEMPERROR, DKIM_CODE_PERMERROR };

struct dkim_signature {
    enum dkim_code code;
    bool testing; /* the key says t=y: even a PASS is no reason to trust anybody (RFC 6376 section 3.6.1) */
    char domain[256], selector[256]; /* d=, s=; lower case, printable ASCII */
    char identity[320];              /* i=, "" if none */
    char algorithm[16];              /* a= */
    char b[9];                       /* its first characters of b=, to tell signatures apart (RFC 6008) */
    char reason[64];                 /* "body hash did not verify", ... */
};

#endif
