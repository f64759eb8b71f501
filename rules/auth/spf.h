/* spf: RFC 7208 over libspf2, which runs in a process of its own (see spf_process.c): it calls
 * abort(), it is synchronous, and its answers need mending. */
#ifndef RULES_AUTH_SPF_H
#define RULES_AUTH_SPF_H

#include "base/config/settings.h"

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

struct spf_helper; /* the process, started again when it has died */

/* Forks; call it before the sandbox closes and before mail was seen. NULL if that failed. */
struct spf_helper *spf_helper_new(const struct settings *s);
void spf_helper_free(struct spf_helper **h);
/* One question at a time; a new one makes the old one's answer void. False: temperror. */
bool spf_helper_ask(struct spf_helper *h, const struct spf_question *q);
/* Readable when the answer is there; -1 if the process is gone. */
int spf_helper_fd(const struct spf_helper *h);
/* Takes the answer: temperror if there is none yet, or the process died of the question. False: one
 * may still come, what there was to read was that of a question before. */
bool spf_helper_answer(struct spf_helper *h, struct spf_result *result_r);

/* "pass", ... as in Authentication-Results. */
const char *spf_word(enum spf_code code);
/* What the process does with one question, for it, for tests and for filterctl. */
struct resolver;
struct spf_result spf_check(struct resolver *r, const struct spf_question *q, int timeout_ms);

#endif
