/* result: what became of a message or recipient, and the one table from a reason to SMTP code, DSN, text and
 * exit code.
 *
 * Zero, a forgotten initialisation and any unknown value are a tempfail. */
#ifndef BASE_RESULT_H
#define BASE_RESULT_H

#include <stdbool.h>

enum result { RES_TEMP = 0, RES_OK, RES_REJECT, RES_DISCARD };

enum outcome_reason {
    REASON_UNFORESEEN = 0,
    REASON_OK,
    REASON_DISCARDED,      /* [spam] action=discard */
    REASON_SPAM,           /* [spam] action=reject, while the client waits for the reply */
    REASON_TOO_BIG,        /* over message_size_limit */
    REASON_BARE_NEWLINE,   /* a bare CR or LF in a message that is not queued yet */
    REASON_BAD_KEY_DEFER,  /* the recipient has a key that cannot be used, bad_key=defer */
    REASON_BAD_KEY_REJECT,
    REASON_NO_KEY_DEFER,   /* a user without a key, no_key=defer */
    REASON_NO_KEY_REJECT,
    REASON_UNKNOWN_DEFER,  /* an address in our domains that is no user's, unknown_recipient=defer */
    REASON_UNKNOWN_REJECT,
    REASON_NEXT_HOP_DOWN,  /* no connection to the next hop, or it broke or timed out; a sendmail that failed, a delivery
                            * agent that does not answer */
    REASON_NEXT_HOP_FULL,  /* a maildir's disk or quota has no room */
    REASON_NEXT_HOP_SHUT,  /* a maildir that cannot be written for another reason: the log has it (delivery_agent.c) */
    REASON_PARTIAL,        /* one reply for several recipients, some of which failed */
    REASON_GREYLISTED,     /* greylisted: the client is asked to try again */
    REASON_SERVED_BEFORE,  /* an earlier attempt delivered this copy: nothing is sent again */
    REASON_NO_UTF8,        /* the message needs SMTPUTF8 (RFC 6531), the next hop does not offer it */
    REASON_NO_ROOM,        /* all messages in flight together exceed limits.bytes_in_flight: not a disk */
    REASON_MIXED,          /* milter: one body for recipients with and without a key */
    REASON_MIXED_REJECT,   /* the same, where the recipient cannot be deferred alone */
    REASON_SEPARATE,       /* milter: one message for each recipient with a key (milter_bcc=separate) */
    REASON_MANY_FIELDS,    /* milter: more header fields to change than an MTA should be asked to */
    REASON_MANY_RECIPIENTS,
    REASON_ODD_ADDRESS,    /* not written plainly, before the queue, and it may be ours */
    REASON_ODD_SENDER,     /* where its domain begins is a matter of taste */
    REASON_BAD_ADDRESS,    /* an address that is not UTF-8 */
    REASON_COUNT
};

struct outcome {
    enum result result;
    int code;       /* SMTP reply code */
    char dsn[12];   /* RFC 3463, "2.0.0" */
    char text[400]; /* one line, printable ASCII */
    bool before;    /* an earlier attempt delivered this copy */
};

struct outcome outcome_of(enum outcome_reason reason);
/* True if code, DSN and text are those of reason. */
bool outcome_is(const struct outcome *o, enum outcome_reason reason);
/* Turns a next hop's reply into an outcome: 2xx is OK, 5xx REJECT, anything else TEMP. text may begin with an
 * enhanced status code (RFC 2034), which is kept if its class fits. */
struct outcome outcome_from_reply(int code, const char *text);
/* The exit code for Postfix's pipe(8), see sysexits(3): EX_OK, EX_TEMPFAIL, EX_UNAVAILABLE (rejected). */
int outcome_exit_code(const struct outcome *o);

#endif
