/* dnsbl_life: tests whether a DNS list works and answers us (RFC 5782 section 5). */
#ifndef RULES_DNSBL_LIFE_H
#define RULES_DNSBL_LIFE_H

#include <glib.h>
#include <stdbool.h>

#include "base/dns/resolver.h"
#include "rules/dnsbl_list.h"
#include "rules/dnsbl_table.h"

struct dnsbl_life {
    const struct dnsbl_zone *zone;
    void (*known)(struct dnsbl_life *life, void *arg); /* called when state becomes known */
    void *arg;
    enum dnsbl_state state;
    gint64 until; /* monotonic microseconds: state must be tested again after this; 0: at once */
    char *why;    /* reason for DNSBL_ASLEEP or DNSBL_SILENT; NULL if the list works */
    bool told;    /* already logged */
    struct resolver *resolver; /* the resolver that the probes were sent with */
    struct dnsbl_life_probe {
        struct dnsbl_life *life;
        bool out, answered, listed;
    } probes[2]; /* an entry that must be listed; one that must not be */
};

/* Tests the list if a test is due; the answers arrive through resolver_pump. */
void dnsbl_life_ask(struct dnsbl_life *life, struct resolver *r);
/* False while the list is asleep, and for a minute after its name servers did not answer: messages would wait
 * in vain. */
bool dnsbl_life_may_be_asked(struct dnsbl_life *life);
/* True if the list passed its test, so its answers count. */
bool dnsbl_life_is_proved(const struct dnsbl_life *life);
/* Does not query the list for an hour. */
void dnsbl_life_sleep(struct dnsbl_life *life, const char *why);
/* Why an answer (4 bytes) is an error, NULL if it is none; the text is valid until the next call. */
const char *dnsbl_life_error(const struct dnsbl_zone *zone, const guint8 *address);
void dnsbl_life_clear(struct dnsbl_life *life);

#endif
