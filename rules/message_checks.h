/* message_checks: findings that need no network, with weights that count until a user's model has learnt. */
#ifndef RULES_MESSAGE_CHECKS_H
#define RULES_MESSAGE_CHECKS_H

#include <glib.h>
#include <stdbool.h>

#include "base/mail/envelope.h"
#include "base/mail/message.h"

void message_checks_envelope(GPtrArray *hits, const struct envelope *e);
/* bare: the message held bare CR or LF. */
void message_checks_message(GPtrArray *hits, const struct message *m, bool bare);

#endif
