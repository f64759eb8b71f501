/* Makes the tokens of a whole message. Called by the pipeline, by learn sessions and by filterctl. */
#include "classifier/tokens_message.h"

#include "base/mail/message.h"
#include "base/mail/reading.h"
#include "classifier/tokens_make.h"

struct tokens *tokens_new_of(const struct reading *r)
{
    struct tokens *t = tokens_empty(r->message->met);
    tokens_head(t, r->message);
    tokens_gap(t);
    tokens_body(t, r);
    return t;
}

struct tokens *tokens_new(const struct message *m)
{
    struct reading *r = reading_new(m);
    struct tokens *t = tokens_new_of(r);
    reading_free(&r);
    return t;
}
