/* spf_result: the question and the result of an SPF check. */
#ifndef RULES_AUTH_SPF_RESULT_H
#define RULES_AUTH_SPF_RESULT_H

#include <stdbool.h>

enum spf_code { SPF_CODE_NONE, SPF_CODE_NEUTRAL, SPF_CODE_PASS, SPF_CODE_FAIL, SPF_CODE_SOFTFAIL,
                SPF_CODE_TEMPERROR, SPF_CODE_PERMERROR };

struct spf_question {
    const char *address; /* of the client, text */
    const char *helo;
    const char *sender;  /* "" is the null sender: then postmaster@HELO is checked (RFC 7208 section 2.4) */
};

struct spf_result {
    enum spf_code code;
    char domain[256]; /* the domain checked: of the sender, or the HELO name */
    bool by_helo;
    char reason[128]; /* the mechanism that matched, or what was wrong; printable ASCII */
};

/* The word for Authentication-Results: "pass", ... */
const char *spf_code_word(enum spf_code code);

#endif
