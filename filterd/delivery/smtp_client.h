/* smtp_client: a connection to a next hop that speaks LMTP (RFC 2033) or SMTP (RFC 5321). */
#ifndef FILTERD_DELIVERY_SMTP_CLIENT_H
#define FILTERD_DELIVERY_SMTP_CLIENT_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/mail/envelope.h"
#include "base/result.h"

struct smtp_client;

/* Connects when first needed. hostname is our name in EHLO and LHLO; both lent. */
struct smtp_client *smtp_client_new(const struct next_hop_address *hop, const char *hostname);
/* Sends QUIT if connected. */
void smtp_client_free(struct smtp_client **c);
/* Everything after this call must be done within ms milliseconds. */
void smtp_client_set_deadline(struct smtp_client *c, int ms);

/* True if the next session may use this connection: it has just delivered a message, nothing was ever refused
 * on it, and it is not old. */
bool smtp_client_may_stay(const struct smtp_client *c);
/* Hands the connection to the next session and clears the deadline. If it has gone stale, it is silently opened
 * again; if the first transaction is refused on it, that is tried once more on a new connection. */
void smtp_client_resume(struct smtp_client *c);

/* Probes with MAIL and RCPT whether the next hop takes mail for r: its own reply, 451 if it does not answer.
 * All probes between two resets, or before a copy is delivered, must be of the same envelope: MAIL is sent
 * once. */
struct outcome smtp_client_ask(struct smtp_client *c, const struct envelope *e,
                               const struct recipient *r);
/* The largest message that the next hop offers to take (RFC 1870); 0: it names none, or does not answer. */
guint64 smtp_client_size_limit(struct smtp_client *c);
/* Takes probes back (RSET), so that no transaction stays open while the client sends the message. */
void smtp_client_reset(struct smtp_client *c);
/* Delivers one message to one recipient, with the envelope's parameters as far as the next hop offers the
 * extension (XFORWARD, SIZE, 8BITMIME, SMTPUTF8, DSN). RES_OK only if the next hop replied 2xx to the final
 * dot. */
struct outcome smtp_client_deliver(struct smtp_client *c, const struct envelope *e,
                                   const struct recipient *r, const struct bytes *message);

#endif
