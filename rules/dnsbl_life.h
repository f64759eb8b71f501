/* dnsbl_life: does a list live, and does it talk to us (RFC 5782, section 5). */
#ifndef RULES_DNSBL_LIFE_H
#define RULES_DNSBL_LIFE_H

#include <glib.h>
#include <stdbool.h>

#include "base/dns/resolver.h"
#include "rules/dnsbl_list.h"
#include "rules/dnsbl_table.h"

struct dnsbl_life {
    const struct dnsbl_zone *zone;
    void (*known)(struct dnsbl_life *life, void *arg); /* called when state has become known */
    void *arg;
    enum dnsbl_state state;
    gint64 until; /* monotonic, us: when state is to be doubted; 0: at once */
    char *why;    /* it sleeps or is silent; NULL if it lives */
    bool told;    /* in the log, once */
    struct resolver *resolver; /* whom the probes were put to */
    struct dnsbl_life_probe {
        struct dnsbl_life *life;
        bool out, answered, listed;
    } probes[2]; /* what is listed, what is not */
};

/* Puts the list to the test if that is due; its answers come out of resolver_pump. */
void dnsbl_life_ask(struct dnsbl_life *life, struct resolver *r);
/* False while it sleeps, and for a minute after its name servers did not answer: messages would
 * wait for it in vain. */
bool dnsbl_life_may_be_asked(struct dnsbl_life *life);
/* True if what it says counts. */
bool dnsbl_life_is_proved(const struct dnsbl_life *life);
/* Leaves it alone for an hour. */
void dnsbl_life_sleep(struct dnsbl_life *life, const char *why);
/* What is wrong with an answer (4 bytes), NULL if nothing: text lasts until the next call. */
const char *dnsbl_life_error(const struct dnsbl_zone *zone, const guint8 *address);
void dnsbl_life_clear(struct dnsbl_life *life);

#endif
