/* resolver_transport: questions on their way to the name servers, and their answers' bytes on the way back.
 *
 * Called by resolver.c alone. A question goes by UDP (RFC 1035, section 4.2.1), twice to each server, the
 * second time waiting twice as long; by TCP if the answer was truncated (RFC 7766); without EDNS if the
 * server does not know it (RFC 6891). Ids are random and so are ports, which change after a few questions
 * (RFC 5452). No name is refused: SPF asks for whatever a sender's local part holds. */
#ifndef BASE_DNS_RESOLVER_TRANSPORT_H
#define BASE_DNS_RESOLVER_TRANSPORT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>


enum transport_end {
    TRANSPORT_ANSWERED,  /* by whatever RCODE */
    TRANSPORT_TIMED_OUT, /* nobody said anything in time */
    TRANSPORT_REFUSED,   /* nobody listens there, or no socket was to be had */
};

/* The answer (NULL, 0 without one) is lent for the call, which may ask more. */
typedef void resolver_transport_fn(enum transport_end end, const guint8 *data, size_t len, void *arg);

struct resolver_transport;

/* For resolver_servers(), which it takes over. A question ends after timeout_us at the latest. */
struct resolver_transport *resolver_transport_new(GArray *servers, gint64 timeout_us);
/* What is out is dropped without a word. */
void resolver_transport_free(struct resolver_transport **t);

/* Sends a question as dnswire_question writes it; fn is called once, out of resolver_transport_wait, never
 * before this returns. False if it is no name, or 65,536 questions are out. Type is any of DNS's. */
bool resolver_transport_ask(struct resolver_transport *t, const char *name, guint16 type,
                            resolver_transport_fn *fn, void *arg);
/* Forgets all that is out, without a word. */
void resolver_transport_drop(struct resolver_transport *t);
/* How many are out. */
guint resolver_transport_out(const struct resolver_transport *t);
/* Waits once, ms at most, for answers, for the next time something is due, or for fd (-1: none). Takes what
 * came. True if fd is readable. */
bool resolver_transport_wait(struct resolver_transport *t, int fd, int ms);

#endif
