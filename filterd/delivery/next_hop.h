/* next hop: where a session's finished copies go: LMTP, SMTP, maildir, sendmail, or a taker. */
#ifndef FILTERD_DELIVERY_NEXT_HOP_H
#define FILTERD_DELIVERY_NEXT_HOP_H

#include <glib.h>
#include <stdbool.h>

#include "base/endpoint.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "gpg/seal.h"

struct next_hop;
struct smtp_client;

/* What one process keeps for the next hops of all its sessions. */
struct next_hop_pool {
    const char *hostname; /* our name in HELO, EHLO and LHLO; lent */
    int delivery_agent;          /* socket to the delivery agent; -1: no next hop needs one */
    bool keeps;           /* keep a session's connection open for the next session */
    struct smtp_client *kept; /* the connection kept open; NULL: none */
    const struct next_hop_address *kept_to; /* its next hop; lent */
    gint64 kept_at; /* monotonic microseconds: when it was put aside */
};

/* Both are lent. */
struct next_hop *next_hop_new(struct next_hop_pool *pool, const struct next_hop_address *to);
/* Receives finished copies itself, as milter_session does: RES_OK when it has the whole copy. */
struct next_hop_taker {
    struct outcome (*take)(void *arg, const struct recipient *r, const struct sealed *sealed);
    void *arg;
};
/* taker is lent. */
struct next_hop *next_hop_new_taker(const struct next_hop_taker *taker);
/* If the pool keeps connections, leaves this one open for the next session to the same next hop, if that comes
 * soon. */
void next_hop_free(struct next_hop **h);
/* Closes the kept connection if it has been idle for idle_ms; next_hop_let_go_idle: for longer than it should
 * be. */
void next_hop_let_go(struct next_hop_pool *pool, int idle_ms);
void next_hop_let_go_idle(struct next_hop_pool *pool);
/* True if copies go into an MTA, which may send them to another leg of filterd. */
bool next_hop_is_mta(const struct next_hop *h);
/* True if who takes a copy has the recipient's mailbox, as Dovecot's LMTP does: whoever it takes mail for
 * exists. */
bool next_hop_is_mailbox(const struct next_hop *h);
/* Bounds the delivery of one message to all its recipients. */
void next_hop_set_deadline(struct next_hop *h, int ms);
/* Probes whether the next hop takes mail for r, within ms. Only SMTP is probed; for others RES_OK. */
struct outcome next_hop_ask(struct next_hop *h, const struct envelope *e, const struct recipient *r, int ms);
/* The largest message that the next hop takes, as it says itself (SIZE), within ms; 0: unknown, or none. Only SMTP is
 * asked. */
guint64 next_hop_size_limit(struct next_hop *h, int ms);
/* Ends probing: takes back the open transaction. Not needed if exactly one recipient was accepted: its copy
 * then goes into that transaction, which saves round trips. */
void next_hop_reset(struct next_hop *h);
/* Delivers one finished copy. RES_OK only after the next hop's own success. users, of char*: the users whose
 * maildirs get it; other kinds of next hops use only the recipient. */
struct outcome next_hop_deliver(struct next_hop *h, const struct envelope *e, const struct recipient *r,
                           const GPtrArray *users, const struct sealed *sealed);

#endif
