/* hop: the next hop of one session, whatever it speaks. */
#ifndef FILTERD_DELIVERY_HOP_H
#define FILTERD_DELIVERY_HOP_H

#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/pipeline/service.h"
#include "gpg/seal.h"

struct hop;

/* to is lent, and so is sv. */
struct hop *hop_new(struct service *sv, const struct next_hop *to);
/* Who takes finished copies himself, as a milter's front does: OK when he has them. */
struct hop_taker {
    struct outcome (*take)(void *arg, const struct recipient *r, const struct sealed *sealed);
    void *arg;
};
/* Both are lent. */
struct hop *hop_new_taker(struct service *sv, const struct hop_taker *taker);
/* A service that keeps_hop keeps the connection for its next session, if that one goes to the same hop
 * and comes soon. */
void hop_free(struct hop **h);
/* Ends what is kept, if it has been idle so long; or for longer than it should be. */
void hop_let_go(struct service *sv, int idle_ms);
void hop_let_go_idle(struct service *sv);
/* True if copies go (back) into an MTA, from where they may come to another leg of ours. */
bool hop_is_mta(const struct hop *h);
/* Bounds the delivery of one message to all its recipients. */
void hop_set_deadline(struct hop *h, int ms);
/* Would it take mail for r? Only a next hop that speaks SMTP is asked, for ms at most; for others OK. */
struct outcome hop_ask(struct hop *h, const struct envelope *e, const struct recipient *r, int ms);
/* No more is asked about this envelope. If one recipient alone was taken, its copy goes cheaper
 * without. */
void hop_rest(struct hop *h);
/* Hands one finished copy on. OK only after the next hop's own success. */
struct outcome hop_deliver(struct hop *h, const struct envelope *e, const struct recipient *r,
                           const struct sealed *sealed);

#endif
