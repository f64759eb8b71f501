#include "filterd/session/session_state.h"

void session_say(struct session *s, int code, const char *dsn, const char *text)
{
    lineio_put(s->io, "%d %s%s%s\r\n", code, dsn, *dsn ? " " : "", text);
}

void session_reply(struct session *s, const struct outcome *o)
{
    session_say(s, o->code, o->dsn, o->text);
}

void session_reset(struct session *s)
{
    hop_rest(s->hop);
    envelope_reset(s->envelope);
    evidence_free(&s->evidence);
    s->declared = 0;
    s->asked_ms = 0;
    s->hop_hangs = false;
}
