/* session_replies: the replies of LMTP and SMTP sessions to commands. base/result.c has those to messages and
 * recipients. */
#ifndef FILTERD_SESSION_SESSION_REPLIES_H
#define FILTERD_SESSION_SESSION_REPLIES_H

enum session_reply {
    SESSION_OK,
    SESSION_SENDER_OK,
    SESSION_RECIPIENT_OK,
    SESSION_CANNOT_VERIFY, /* RFC 5321, section 3.5.3 */
    SESSION_BYE,
    SESSION_SEND_DATA, /* RFC 5321, section 4.1.1.4 */
    SESSION_CLOSING, /* filterd stops or needs this worker for another client */
    SESSION_TIMEOUT, /* RFC 5321, section 4.5.3.2 */
    SESSION_TOO_MANY_ERRORS, /* more than SESSION_ERRORS */
    SESSION_BARE_NEWLINE, /* another MTA may see the end of the message there: what follows may be smuggled */
    SESSION_TOO_LONG,
    SESSION_BARE_IN_COMMAND, /* a bare line end in a command: the session ends for the same reason */
    SESSION_UNKNOWN_COMMAND, /* RFC 5321, section 4.2.4 */
    SESSION_NO_NAME,
    SESSION_DATA_ARGUMENT,
    SESSION_BAD_SENDER,
    SESSION_BAD_RECIPIENT,
    SESSION_BAD_XFORWARD,
    SESSION_GREET_FIRST,
    SESSION_SENDER_TWICE,
    SESSION_MAIL_FIRST,
    SESSION_NO_RECIPIENTS,
    SESSION_XFORWARD_FIRST,
    SESSION_XFORWARD_UNTRUSTED, /* only trusted_networks may say who the client is */
    SESSION_MAIL_PARAMETER, /* RFC 5321, section 4.1.1.11 */
    SESSION_RCPT_PARAMETER,
    SESSION_REPLIES
};

/* Code (RFC 5321, section 4.2), enhanced status code (RFC 3463; "" where the reply has none) and text; all
 * static. */
struct session_reply_text {
    int code;
    const char *dsn, *text;
};
const struct session_reply_text *session_reply_text(enum session_reply reply);

#endif
