/* session_state: what the files of a session share; other files must not include it. */
#ifndef FILTERD_SESSION_SESSION_STATE_H
#define FILTERD_SESSION_SESSION_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/lineio.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/session/session_replies.h"
#include "rules/evidence.h"

struct session_env;

/* RFC 5321, section 4.5.3.1.4 says 512; SMTPUTF8, DSN and XFORWARD need more. Postfix takes an address of 2,048 bytes,
 * and writes it twice, with backslashes in RCPT and as xtext in ORCPT. */
#define SESSION_LINE_BYTES 16384
#define SESSION_ERRORS 20

struct session {
    const struct session_env *env;
    const struct settings *settings;
    struct lineio *io;
    struct envelope *envelope;
    struct evidence *evidence; /* from the first RCPT on */
    struct next_hop *hop;
    int asked_ms; /* how long MAIL and RCPT have waited for the next hop in this transaction */
    bool hop_hangs; /* the next hop left a probe without an answer */
    const struct bytes *incoming; /* DATA received so far; NULL outside DATA */
    size_t searched; /* bytes of incoming already searched for the header's end */
    size_t declared; /* SIZE= of MAIL, 0 if not given */
    bool greeted, over;
    bool begun; /* a message came on this connection */
    int errors;
};

/* Replies to a command. Replies stay in the buffer while the client pipelines (RFC 2920, section 3.2). */
void session_say(struct session *s, enum session_reply reply);
/* Replies for a recipient or a message with the text of base/result.c or of the next hop. */
void session_outcome(struct session *s, const struct outcome *o);
void session_outcome_of(struct session *s, enum outcome_reason reason);
/* Forgets the transaction; keeps what is known of the connection. */
void session_reset(struct session *s);

/* session_envelope.c: MAIL, RCPT and XFORWARD; argument is the text behind the verb. */
void session_mail(struct session *s, const char *argument);
void session_rcpt(struct session *s, const char *argument);
void session_xforward(struct session *s, const char *argument);
/* session_size.c: false if a message of so many bytes, sealed, would be more than the next hop takes; only before the
 * queue, where nobody knows yet for whom it is, and all get the same answer. Logs it. */
bool session_size_fits(struct session *s, size_t bytes);
/* session_data.c */
void session_data(struct session *s, const char *argument);
/* Called when more of the message has arrived. */
void session_data_arrives(struct session *s);

#endif
