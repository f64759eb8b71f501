/* hop: the next hop of one session, whatever it speaks. */
#ifndef FILTERD_DELIVERY_HOP_H
#define FILTERD_DELIVERY_HOP_H

#include <glib.h>
#include <stdbool.h>

#include "base/endpoint.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "gpg/seal.h"

struct hop;
struct smtp_client;

/* What a process has for the hops of all its sessions. */
struct hop_pool {
    const char *hostname; /* says HELO with it; lent */
    int courier;          /* -1 where no next hop needs one */
    bool keeps;           /* the connection of a session that ends stays open for the next one */
    struct smtp_client *kept; /* NULL: none */
    const struct next_hop *kept_to; /* lent */
    gint64 kept_at; /* monotonic microseconds */
};

/* Both are lent. */
struct hop *hop_new(struct hop_pool *pool, const struct next_hop *to);
/* Who takes finished copies himself, as a milter's front does: OK when he has them. */
struct hop_taker {
    struct outcome (*take)(void *arg, const struct recipient *r, const struct sealed *sealed);
    void *arg;
};
/* It is lent. */
struct hop *hop_new_taker(const struct hop_taker *taker);
/* A pool that keeps connections lends this one to its next session, if that goes to the same hop and
 * comes soon. */
void hop_free(struct hop **h);
/* Ends what is kept, if it has been idle so long; or for longer than it should be. */
void hop_let_go(struct hop_pool *pool, int idle_ms);
void hop_let_go_idle(struct hop_pool *pool);
/* True if copies go (back) into an MTA, from where they may come to another leg of ours. */
bool hop_is_mta(const struct hop *h);
/* Bounds the delivery of one message to all its recipients. */
void hop_set_deadline(struct hop *h, int ms);
/* Would it take mail for r? Only a next hop that speaks SMTP is asked, for ms at most; for others OK. */
struct outcome hop_ask(struct hop *h, const struct envelope *e, const struct recipient *r, int ms);
/* No more is asked about this envelope. If one recipient alone was taken, its copy goes cheaper
 * without. */
void hop_rest(struct hop *h);
/* Hands one finished copy on. OK only after the next hop's own success. users, of char*: whose
 * maildirs get it; other next hops look at the recipient alone. */
struct outcome hop_deliver(struct hop *h, const struct envelope *e, const struct recipient *r,
                           const GPtrArray *users, const struct sealed *sealed);

#endif
