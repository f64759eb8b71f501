/* keeper_rates: how much workers may ask of the keeper.
 *
 * Far above what mail and its users come to. A worker that was taken over can poison models, make stores and
 * mark copies as delivered, and these numbers are how many; man/filterd.8 (THREATS) names them. */
#ifndef FILTERD_KEEPER_KEEPER_RATES_H
#define FILTERD_KEEPER_KEEPER_RATES_H

#include <glib.h>
#include <stdbool.h>

enum keeper_rate {
    KEEPER_RATE_NONE,      /* not limited */
    KEEPER_RATE_RECORD,    /* records, and their confirmations */
    KEEPER_RATE_LEARN,     /* messages learnt from their text */
    KEEPER_RATE_GREYLIST,  /* questions to the greylist */
    KEEPER_RATE_DELIVERED, /* digests of the delivered-before memory */
    KEEPER_RATE_SPENT,     /* proofs between the legs */
    KEEPER_RATE_OWN_STORE, /* stores of users made because a mailbox took mail */
    KEEPER_RATE_DOMAIN,    /* domains that the tables are asked for */
    KEEPER_RATES,
};

struct keeper_rates;

struct keeper_rates *keeper_rates_new(void);
void keeper_rates_free(struct keeper_rates **r);
/* Takes n of this rate; user (NULL: none) has a share of it. False if it is used up: logged once a minute. */
bool keeper_rates_take(struct keeper_rates *r, enum keeper_rate which, const char *user, gsize n);
/* Forgets users whose share is whole again. Call it now and then. */
void keeper_rates_tick(struct keeper_rates *r);

#endif
