/* verdict_basis: what a message is judged by, and what decided a verdict. */
#ifndef FILTERD_PIPELINE_VERDICT_BASIS_H
#define FILTERD_PIPELINE_VERDICT_BASIS_H

#include "base/mail/envelope.h"
#include "base/mail/message.h"

/* The score gives JUDGE_*; a user's list or a scanner may overrule it. */
enum verdict_word { VERDICT_BY_SCORE, VERDICT_ALLOWED, VERDICT_DENIED, VERDICT_VIRUS };

struct verdict_basis {
    const struct tokens *tokens;
    const struct evidence *evidence;
    const struct envelope *envelope;
    const struct message *message;
};

#endif
