/* spf_result: what an SPF check is asked, and what comes out of it. */
#ifndef RULES_AUTH_SPF_RESULT_H
#define RULES_AUTH_SPF_RESULT_H

#include <stdbool.h>

enum spf_code { SPF_CODE_NONE, SPF_CODE_NEUTRAL, SPF_CODE_PASS, SPF_CODE_FAIL, SPF_CODE_SOFTFAIL,
                SPF_CODE_TEMPERROR, SPF_CODE_PERMERROR };

struct spf_question {
    const char *address; /* of the client, text */
    const char *helo;
    const char *sender;  /* "" is the null sender: then postmaster@HELO is checked (section 2.4) */
};

struct spf_result {
    enum spf_code code;
    char domain[256]; /* that was checked: of the sender, or the HELO name */
    bool by_helo;
    char reason[128]; /* the mechanism, or what was wrong; printable ASCII */
};

/* "pass", ... as in Authentication-Results. */
const char *spf_code_word(enum spf_code code);

#endif
