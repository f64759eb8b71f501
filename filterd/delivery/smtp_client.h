/* smtp_client: one connection to a next hop that speaks LMTP (RFC 2033) or SMTP (RFC 5321). */
#ifndef FILTERD_DELIVERY_SMTP_CLIENT_H
#define FILTERD_DELIVERY_SMTP_CLIENT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/mail/envelope.h"
#include "base/result.h"

struct smtp_client;

/* Connects when first used. hostname is what we greet with; both lent. */
struct smtp_client *smtp_client_new(const struct next_hop *hop, const char *hostname);
/* QUITs if connected. */
void smtp_client_free(struct smtp_client **c);
/* Bounds all that follows together, in milliseconds from now. */
void smtp_client_set_deadline(struct smtp_client *c, int ms);

/* True if the next session may have this connection: a message was just taken, nothing was ever
 * refused on it, and it is not old. */
bool smtp_client_may_stay(const struct smtp_client *c);
/* It is the next session's, and its deadlines with it. Gone stale it is made anew without a word, and
 * what is refused on it at first is asked once more on a new one. */
void smtp_client_resume(struct smtp_client *c);

/* Would it take mail for r? MAIL and RCPT: its own reply, 451 if it does not answer. All that are
 * asked between two resets, or before a copy goes, are of the same envelope: MAIL is said once. */
struct outcome smtp_client_ask(struct smtp_client *c, const struct envelope *e,
                               const struct recipient *r);
/* Takes back what was asked (RSET): a transaction is not held open while its message comes. */
void smtp_client_reset(struct smtp_client *c);
/* One message for one recipient, with the envelope's parameters as far as the next hop offers them
 * (XFORWARD, SIZE, 8BITMIME, SMTPUTF8, DSN). OK only if the next hop said 2xx to the final dot. */
struct outcome smtp_client_deliver(struct smtp_client *c, const struct envelope *e,
                                   const struct recipient *r, const struct bytes *message);

#endif
