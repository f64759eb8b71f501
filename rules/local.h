/* local: facts that need no network, with what they weigh before a classifier knows better. */
#ifndef RULES_LOCAL_H
#define RULES_LOCAL_H

#include <glib.h>
#include <stdbool.h>

#include "base/mail/envelope.h"
#include "base/mail/message.h"

void local_envelope(GPtrArray *hits, const struct envelope *e);
/* bare: it held bare CR or LF. */
void local_message(GPtrArray *hits, const struct message *m, bool bare);

#endif
