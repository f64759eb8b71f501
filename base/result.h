/* result: how things end, and the one table from a reason to SMTP code, DSN, text and exit code.
 *
 * Zero, a forgotten initialisation and any unknown value are a tempfail. */
#ifndef BASE_RESULT_H
#define BASE_RESULT_H

#include <stdbool.h>

enum result { RES_TEMP = 0, RES_OK, RES_REJECT, RES_DISCARD };

enum outcome_reason {
    REASON_UNFORESEEN = 0,
    REASON_OK,
    REASON_DISCARDED,      /* action=discard */
    REASON_SPAM,           /* action=reject while the client waits */
    REASON_TOO_BIG,        /* over message_size_limit */
    REASON_BARE_NEWLINE,   /* bare CR or LF before the queue */
    REASON_BAD_KEY_DEFER,  /* a key is there and cannot be used */
    REASON_BAD_KEY_REJECT,
    REASON_NO_KEY_DEFER,   /* a user without a key, no_key=defer */
    REASON_NO_KEY_REJECT,
    REASON_UNKNOWN_DEFER,  /* nobody's address in our domains */
    REASON_UNKNOWN_REJECT,
    REASON_NEXT_HOP_DOWN,  /* no connection, broken off, or timed out */
    REASON_PARTIAL,        /* one reply for several recipients, and not all went through */
    REASON_GREYLISTED,     /* doubtful, and the client still waits */
    REASON_SERVED_BEFORE,  /* an earlier attempt delivered this copy */
    REASON_NO_UTF8,        /* needs SMTPUTF8 and the next hop has none */
    REASON_NO_ROOM,        /* more bytes of messages at once than the limit allows */
    REASON_MIXED,          /* milter: one body cannot be sealed for some and not for others */
    REASON_MIXED_REJECT,   /* the same where a recipient cannot be put off alone */
    REASON_MANY_FIELDS,    /* milter: more header fields to change than an MTA should bear */
    REASON_MANY_RECIPIENTS,
    REASON_BAD_ADDRESS,    /* not UTF-8 */
    REASON_COUNT
};

struct outcome {
    enum result result;
    int code;       /* SMTP reply code */
    char dsn[12];   /* RFC 3463, "2.0.0" */
    char text[400]; /* one line, printable ASCII */
    bool before;    /* it was delivered in an earlier attempt */
};

struct outcome outcome_of(enum outcome_reason reason);
/* True if it reads as that reason's. */
bool outcome_is(const struct outcome *o, enum outcome_reason reason);
/* What a next hop answered: 2xx is OK, 5xx REJECT, anything else TEMP. text may begin with a DSN. */
struct outcome outcome_from_reply(int code, const char *text);
/* sysexits(3): EX_OK, EX_TEMPFAIL, EX_UNAVAILABLE (rejected). */
int outcome_exit_code(const struct outcome *o);

#endif
