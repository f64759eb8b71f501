/* resolver_transport: sends questions to the name servers and returns the bytes of their answers.
 *
 * Called by resolver.c alone. A question goes by UDP (RFC 1035, section 4.2.1), twice to each server, the
 * second time waiting twice as long; by TCP if the answer was truncated (RFC 7766); without EDNS if the server
 * does not know it (RFC 6891). Ids and ports are random, and the port changes after a few questions (RFC 5452).
 * No name is refused: SPF asks for names made from a sender's local part. */
#ifndef BASE_DNS_RESOLVER_TRANSPORT_H
#define BASE_DNS_RESOLVER_TRANSPORT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>


enum transport_end {
    TRANSPORT_ANSWERED,  /* with any RCODE */
    TRANSPORT_TIMED_OUT, /* no answer in time */
    TRANSPORT_REFUSED,   /* nothing listens there, or no socket could be made */
};

/* data and len (NULL, 0 if there is no answer) are lent for the call, which may ask more questions. */
typedef void resolver_transport_fn(enum transport_end end, const guint8 *data, size_t len, void *arg);

struct resolver_transport;

/* Takes over servers (from resolver_servers). Each question ends after timeout_us at the latest. */
struct resolver_transport *resolver_transport_new(GArray *servers, gint64 timeout_us);
/* Drops outstanding questions without calling their fn. */
void resolver_transport_free(struct resolver_transport **t);

/* Sends a question; type may be any DNS type. fn is called once, from resolver_transport_wait, never before
 * this returns. False if name is no name, or 65,536 questions are out. */
bool resolver_transport_ask(struct resolver_transport *t, const char *name, guint16 type,
                            resolver_transport_fn *fn, void *arg);
/* Drops all outstanding questions without calling their fn. */
void resolver_transport_drop(struct resolver_transport *t);
/* The number of outstanding questions. */
guint resolver_transport_out(const struct resolver_transport *t);
/* Waits once, ms at most, for answers, for the next retry or timeout, or for fd (-1: none). Takes the answers
 * that came. True if fd is readable. */
bool resolver_transport_wait(struct resolver_transport *t, int fd, int ms);

#endif
