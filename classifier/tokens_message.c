#include "classifier/tokens_message.h"

#include "classifier/tokens_make.h"

struct tokens *tokens_new(const struct message *m)
{
    struct tokens *t = tokens_empty();
    tokens_head(t, m);
    tokens_gap(t);
    tokens_body(t, m);
    return t;
}
