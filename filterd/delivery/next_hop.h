/* next hop: the next hop of one session, whatever it speaks. */
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

/* What a process has for the next hops of all its sessions. */
struct next_hop_pool {
    const char *hostname; /* says HELO with it; lent */
    int delivery_agent;          /* -1 where no next hop needs one */
    bool keeps;           /* the connection of a session that ends stays open for the next one */
    struct smtp_client *kept; /* NULL: none */
    const struct next_hop_address *kept_to; /* lent */
    gint64 kept_at; /* monotonic microseconds */
};

/* Both are lent. */
struct next_hop *next_hop_new(struct next_hop_pool *pool, const struct next_hop_address *to);
/* Who takes finished copies himself, as a milter's front does: OK when he has them. */
struct next_hop_taker {
    struct outcome (*take)(void *arg, const struct recipient *r, const struct sealed *sealed);
    void *arg;
};
/* It is lent. */
struct next_hop *next_hop_new_taker(const struct next_hop_taker *taker);
/* A pool that keeps connections lends this one to its next session, if that goes to the same next hop and
 * comes soon. */
void next_hop_free(struct next_hop **h);
/* Ends what is kept, if it has been idle so long; or for longer than it should be. */
void next_hop_let_go(struct next_hop_pool *pool, int idle_ms);
void next_hop_let_go_idle(struct next_hop_pool *pool);
/* True if copies go (back) into an MTA, from where they may come to another leg of ours. */
bool next_hop_is_mta(const struct next_hop *h);
/* Bounds the delivery of one message to all its recipients. */
void next_hop_set_deadline(struct next_hop *h, int ms);
/* Would it take mail for r? Only a next hop that speaks SMTP is asked, for ms at most; for others OK. */
struct outcome next_hop_ask(struct next_hop *h, const struct envelope *e, const struct recipient *r, int ms);
/* No more is asked about this envelope. If one recipient alone was taken, its copy goes cheaper
 * without. */
void next_hop_reset(struct next_hop *h);
/* Hands one finished copy on. OK only after the next hop's own success. users, of char*: whose
 * maildirs get it; other next next hops look at the recipient alone. */
struct outcome next_hop_deliver(struct next_hop *h, const struct envelope *e, const struct recipient *r,
                           const GPtrArray *users, const struct sealed *sealed);

#endif
