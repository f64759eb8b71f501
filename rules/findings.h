/* findings: everything the rules can find in a message, except hits of DNS lists, whose weights are in
 * dnsbl.conf. findings.c holds the table of names, weights and reasons: change a weight there and in README.md. */
#ifndef RULES_FINDINGS_H
#define RULES_FINDINGS_H

enum finding {
    FINDING_HELO_LITERAL,
    FINDING_HELO_NO_DOT,
    FINDING_HELO_BARE_ADDRESS,
    FINDING_CLIENT_NO_NAME,
    FINDING_SENDER_NULL,
    FINDING_BARE_NEWLINE,
    FINDING_MIME_UNREADABLE,
    FINDING_NO_DATE,
    FINDING_NO_MESSAGE_ID,
    FINDING_GTUBE,
    FINDING_VIRUS,
    FINDING_SUBJECT_CAPITALS,
    FINDING_SUBJECT_SHOUTS,
    FINDING_SUBJECT_GAP,
    FINDING_FROM_NO_ADDRESS,
    FINDING_FROM_NUMBER,
    FINDING_FROM_IS_TO,
    FINDING_TO_NOBODY,
    FINDING_MESSAGE_ID_ODD,
    FINDING_URGENT,
    FINDING_REPLY,
    FINDING_HTML_ALONE,
    FINDING_PICTURE_ALONE,
    FINDING_SPF_FAIL,
    FINDING_SPF_SOFTFAIL,
    FINDING_SPF_PERMERROR,
    FINDING_DMARC_FAIL_NONE,
    FINDING_DMARC_FAIL_QUARANTINE,
    FINDING_DMARC_FAIL_REJECT,
    FINDING_FROM_UNCERTAIN,
    FINDING_FROM_BORROWS,
    FINDING_KNOWN_SENDER,
    FINDINGS
};

/* Log-odds added to the score: positive for spam, negative for ham, 0 only informs. */
double findings_weight(enum finding f);
/* The name in headers, in `filterctl explain` and as a token; static. */
const char *findings_name(enum finding f);
/* One line for people; static. "" if the check supplies its own. */
const char *findings_reason(enum finding f);

#endif
