/* evidence: what is known about a message besides its words.
 *
 * It starts as soon as the envelope is known and is complete when the message is. A fact is a
 * short name ("helo-literal"); facts are tokens too, so each user's classifier learns how far to
 * trust them. */
#ifndef RULES_EVIDENCE_H
#define RULES_EVIDENCE_H

#include <stdbool.h>

#include "base/envelope.h"
#include "base/message.h"

struct evidence;

/* Client, HELO and sender are known. Never NULL. */
struct evidence *evidence_start(const struct envelope *e);
/* The whole message is there. bare: it held bare CR or LF. */
void evidence_finish(struct evidence *ev, const struct message *m, bool bare);
/* NULL-terminated, lent. */
const char *const *evidence_facts(const struct evidence *ev);
void evidence_free(struct evidence **ev);

#endif
