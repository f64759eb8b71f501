/* session_state: what the session's files share; nobody else includes it. */
#ifndef FILTERD_SESSION_SESSION_STATE_H
#define FILTERD_SESSION_SESSION_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/lineio.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/delivery/hop.h"
#include "filterd/session/session_replies.h"
#include "rules/evidence.h"

struct session_place;

/* RFC 5321, 4.5.3.1.4 says 512; SMTPUTF8, DSN and XFORWARD ask for more. */
#define SESSION_LINE_BYTES 4096
#define SESSION_ERRORS 20

struct session {
    const struct session_place *place;
    const struct settings *settings;
    struct lineio *io;
    struct envelope *envelope;
    struct evidence *evidence; /* from the first RCPT on */
    struct hop *hop;
    int asked_ms; /* how long the next hop was waited for at RCPT, in this transaction */
    bool hop_hangs; /* and it left one of these without an answer */
    const struct bytes *incoming; /* of DATA, as far as it is here; NULL at other times */
    size_t searched; /* of it, for the header's end */
    size_t declared; /* SIZE= of MAIL, 0 if not given */
    bool greeted, over;
    int errors;
};

/* Answers a command. Replies wait in the buffer while the client pipelines (RFC 2920). */
void session_say(struct session *s, enum session_reply reply);
/* The reply that base/result.c or the next hop has for a recipient or a message. */
void session_outcome(struct session *s, const struct outcome *o);
void session_outcome_of(struct session *s, enum outcome_reason reason);
/* Forgets the transaction, keeps the connection's facts. */
void session_reset(struct session *s);

/* session_envelope.c: MAIL, RCPT and XFORWARD; argument is what follows the verb. */
void session_mail(struct session *s, const char *argument);
void session_rcpt(struct session *s, const char *argument);
void session_xforward(struct session *s, const char *argument);
/* session_data.c */
void session_data(struct session *s, const char *argument);
/* More of the message is here. */
void session_data_arrives(struct session *s);

#endif
