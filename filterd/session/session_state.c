/* Replies and the reset of a transaction. Called by session.c, session_data.c and session_envelope.c. */
#include "filterd/session/session_state.h"

static void say(struct session *s, int code, const char *dsn, const char *text)
{
    lineio_put(s->io, "%d %s%s%s\r\n", code, dsn, *dsn ? " " : "", text);
}

void session_say(struct session *s, enum session_reply reply)
{
    const struct session_reply_text *r = session_reply_text(reply);
    say(s, r->code, r->dsn, r->text);
}

void session_outcome(struct session *s, const struct outcome *o)
{
    say(s, o->code, o->dsn, o->text);
}

void session_outcome_of(struct session *s, enum outcome_reason reason)
{
    const struct outcome o = outcome_of(reason);
    session_outcome(s, &o);
}

void session_reset(struct session *s)
{
    next_hop_reset(s->hop);
    envelope_reset(s->envelope);
    evidence_free(&s->evidence);
    s->declared = 0;
    s->asked_ms = 0;
    s->hop_hangs = false;
}
