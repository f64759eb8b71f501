/* The table of findings. Called by the checks that make them, by verdict.c and filterctl. */
#include "rules/findings.h"

/* Weights that count until a user's model has learnt whom to trust. A pass of SPF, DKIM or DMARC has no weight:
 * it proves who the sender is, not that they are welcome. */
static const struct {
    const char *name;
    double weight;
    const char *reason;
} table[FINDINGS] = {
    /* ---- the envelope ---- */
    [FINDING_HELO_LITERAL] = {"helo-literal", 0.4, "the client greets with an address"},
    [FINDING_HELO_NO_DOT] = {"helo-no-dot", 0.4, "the client greets with half a name"},
    [FINDING_HELO_BARE_ADDRESS] = {"helo-bare-address", 0.8, "the client greets with a bare address"},
    [FINDING_CLIENT_NO_NAME] = {"client-no-name", 0.5, "the client's address has no name"},
    [FINDING_SENDER_NULL] = {"sender-null", 0, "it comes without a sender, as bounces do"},
    /* ---- the message ---- */
    [FINDING_BARE_NEWLINE] = {"bare-newline", 0.3, "it held line ends that are none"},
    [FINDING_MIME_UNREADABLE] = {"mime-unreadable", 0.3, "its structure cannot be read"},
    [FINDING_NO_DATE] = {"no-date", 0.5, "it has no Date"},
    [FINDING_NO_MESSAGE_ID] = {"no-message-id", 0.3, "it has no Message-ID"},
    [FINDING_GTUBE] = {"gtube", 1000, "it holds the test string for spam filters"},
    [FINDING_VIRUS] = {"virus", 8, "a scanner knows what it carries"},
    /* ---- the form of the message ---- */
    [FINDING_SUBJECT_CAPITALS] = {"form:subject-capitals", 1, "its Subject is in capitals"},
    [FINDING_SUBJECT_SHOUTS] = {"form:subject-shouts", 0.7, "its Subject shouts, or names a price"},
    [FINDING_SUBJECT_GAP] = {"form:subject-gap", 1, "its Subject has a word far behind the others"},
    [FINDING_FROM_NO_ADDRESS] = {"form:from-no-address", 0.5, "its From names no address"},
    [FINDING_FROM_NUMBER] = {"form:from-number", 0.3, "its From has a number for a name"},
    [FINDING_FROM_IS_TO] = {"form:from-is-to", 0.3, "it pretends to be from whom it is for"},
    [FINDING_TO_NOBODY] = {"form:to-nobody", 0.3, "its To names no address"},
    [FINDING_MESSAGE_ID_ODD] = {"form:message-id-odd", 0.7, "its Message-ID is none"},
    [FINDING_URGENT] = {"form:urgent", 0.3, "it says it is urgent"},
    [FINDING_REPLY] = {"form:reply", -0.5, "it answers another message"},
    [FINDING_HTML_ALONE] = {"form:html-alone", 1, "it is HTML and nothing beside it"},
    [FINDING_PICTURE_ALONE] = {"form:picture-alone", 1, "it is a picture with hardly a word"},
    /* ---- authentication; the check supplies the reason ---- */
    [FINDING_SPF_FAIL] = {"spf:fail", 1, ""},
    [FINDING_SPF_SOFTFAIL] = {"spf:softfail", 0.4, ""},
    [FINDING_SPF_PERMERROR] = {"spf:permerror", 0.2, ""},
    [FINDING_DMARC_FAIL_NONE] = {"dmarc:fail:none", 0.3, ""},
    [FINDING_DMARC_FAIL_QUARANTINE] = {"dmarc:fail:quarantine", 1.5, ""},
    [FINDING_DMARC_FAIL_REJECT] = {"dmarc:fail:reject", 2.5, ""},
    [FINDING_FROM_UNCERTAIN] = {"from-uncertain", 1.5, "mail readers may show different addresses in its From"},
    [FINDING_FROM_BORROWS] = {"from-borrows", 1.5, "the name in its From is an address of ours, the sender is not"},
    [FINDING_KNOWN_SENDER] = {"known-correspondent", -2.5, "their mail was never spam"},
};

double findings_weight(enum finding f)
{
    return table[f].weight;
}

const char *findings_name(enum finding f)
{
    return table[f].name;
}

const char *findings_reason(enum finding f)
{
    return table[f].reason;
}
