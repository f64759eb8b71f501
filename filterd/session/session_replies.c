/* The table of protocol replies. Called by session_state.c. */
#include "filterd/session/session_replies.h"

static const struct session_reply_text table[SESSION_REPLIES] = {
    [SESSION_OK] = {250, "2.0.0", "Ok"},
    [SESSION_SENDER_OK] = {250, "2.1.0", "Ok"},
    [SESSION_RECIPIENT_OK] = {250, "2.1.5", "Ok"},
    [SESSION_CANNOT_VERIFY] = {252, "2.0.0", "Cannot verify, send mail"},
    [SESSION_BYE] = {221, "2.0.0", "Bye"},
    [SESSION_SEND_DATA] = {354, "", "End with <CR><LF>.<CR><LF>"},
    [SESSION_CLOSING] = {421, "4.3.2", "Closing, try again"},
    [SESSION_TIMEOUT] = {421, "4.4.2", "Timeout"},
    [SESSION_TOO_MANY_ERRORS] = {421, "4.7.0", "Too many errors"},
    [SESSION_BARE_NEWLINE] = {421, "4.7.0", "Bare CR or LF in the message, closing"},
    [SESSION_TOO_LONG] = {500, "5.5.2", "Line too long"},
    [SESSION_BARE_IN_COMMAND] = {500, "5.5.2", "Bare CR, LF or NUL in a command"},
    [SESSION_UNKNOWN_COMMAND] = {500, "5.5.2", "Command not known here"},
    [SESSION_NO_NAME] = {501, "5.5.4", "Name missing"},
    [SESSION_DATA_ARGUMENT] = {501, "5.5.4", "DATA takes no argument"},
    [SESSION_BAD_SENDER] = {501, "5.1.7", "Bad sender address"},
    [SESSION_BAD_RECIPIENT] = {501, "5.1.3", "Bad recipient address"},
    [SESSION_BAD_XFORWARD] = {501, "5.5.4", "Bad XFORWARD attribute"},
    [SESSION_GREET_FIRST] = {503, "5.5.1", "Greet first"},
    [SESSION_SENDER_TWICE] = {503, "5.5.1", "Sender is given already"},
    [SESSION_MAIL_FIRST] = {503, "5.5.1", "MAIL first"},
    [SESSION_NO_RECIPIENTS] = {503, "5.5.1", "No valid recipients"},
    [SESSION_XFORWARD_FIRST] = {503, "5.5.1", "XFORWARD comes before MAIL"},
    [SESSION_XFORWARD_UNTRUSTED] = {550, "5.7.0", "XFORWARD is for trusted peers"},
    [SESSION_MAIL_PARAMETER] = {555, "5.5.4", "MAIL parameter not known"},
    [SESSION_RCPT_PARAMETER] = {555, "5.5.4", "RCPT parameter not known"},
};

const struct session_reply_text *session_reply_text(enum session_reply reply)
{
    return &table[reply];
}
