/* sender: who the message says wrote it, and whether that was proved. */
#ifndef RULES_SENDER_H
#define RULES_SENDER_H

#include "base/mail/message.h"
#include "rules/evidence.h"

/* The domain of an address; "" if it has none. Lent. */
const char *sender_domain(const char *address);
/* The address in From, canonical; "" unless From has exactly one readable address. g_free. */
char *sender_from(const struct message *m);
/* The address in From if DMARC proved its domain, else NULL. g_free. */
char *sender_proved(const struct evidence *ev, const struct message *m);

#endif
