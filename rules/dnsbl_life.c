/* Tests DNS lists and keeps their state. Called by dnsbl.c. */
#include "rules/dnsbl_life.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/dns/dns_answer.h"
#include "base/log.h"
#include "rules/dnsbl_address.h"

enum { SLEEP_SECONDS = 3600, ALIVE_SECONDS = 3600, RETRY_SECONDS = 60 };

static void become(struct dnsbl_life *life, enum dnsbl_state state, int seconds, const char *why)
{
    g_free(life->why);
    life->why = g_strdup(why);
    life->state = state;
    life->until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
}

void dnsbl_life_sleep(struct dnsbl_life *life, const char *why)
{
    if (!life->told)
        log_warn("dnsbl: %s sleeps for an hour: %s", life->zone->name, why);
    life->told = true;
    become(life, DNSBL_ASLEEP, SLEEP_SECONDS, why);
}

static void doubt(struct dnsbl_life *life)
{
    if (life->until && g_get_monotonic_time() >= life->until) {
        life->until = 0;
        life->state = DNSBL_UNTRIED;
    }
}

bool dnsbl_life_may_be_asked(struct dnsbl_life *life)
{
    doubt(life);
    return life->state != DNSBL_ASLEEP && life->state != DNSBL_SILENT;
}

bool dnsbl_life_is_proved(const struct dnsbl_life *life)
{
    return life->state == DNSBL_ALIVE;
}

const char *dnsbl_life_error(const struct dnsbl_zone *zone, const guint8 *address)
{
    static char text[200];
    const char *what = address[0] == 127 ? NULL : "it is no list any more";
    for (guint i = 0; !what && i < zone->codes->len; i++) {
        const struct dnsbl_code *c = zone->codes->pdata[i];
        if (c->error && dnsbl_code_matches(c, address))
            what = *c->text ? c->text : "an error";
    }
    if (!what)
        return NULL;
    g_snprintf(text, sizeof text, "it answers %d.%d.%d.%d: %s", address[0], address[1], address[2],
               address[3], what);
    return text;
}

/* ---- the test ---- */

static void judge(struct dnsbl_life *life)
{
    const struct dnsbl_life_probe *yes = &life->probes[0], *no = &life->probes[1];
    const struct dnsbl_zone *z = life->zone;
    g_autofree char *why = NULL;
    if (yes->out || no->out || life->state == DNSBL_ASLEEP)
        return;
    if (no->listed) {
        why = g_strdup_printf("it lists everything, %s too", z->not_listed);
        dnsbl_life_sleep(life, why);
    } else if (yes->answered && z->listed && !yes->listed) {
        why = g_strdup_printf("it is empty: it does not list %s", z->listed);
        dnsbl_life_sleep(life, why);
    } else if (!yes->answered || !no->answered) {
        become(life, DNSBL_SILENT, RETRY_SECONDS, "its name servers do not answer");
    } else {
        become(life, DNSBL_ALIVE, ALIVE_SECONDS, NULL);
    }
    life->known(life, life->arg);
}

static void on_probe(const struct dns_answer *answer, void *arg)
{
    struct dnsbl_life_probe *p = arg;
    const char *error = NULL;
    p->out = false;
    p->answered = answer->status != DNS_TEMP;
    p->listed = answer->status == DNS_OK;
    for (guint i = 0; !error && i < answer->records->len; i++)
        error = dnsbl_life_error(p->life->zone,
                                 ((const struct dns_record *)answer->records->pdata[i])->address);
    if (error && p->life->state != DNSBL_ASLEEP) {
        dnsbl_life_sleep(p->life, error);
        p->life->known(p->life, p->life->arg);
    }
    judge(p->life);
}

/* The name to query for a test entry, which is an address or a domain; g_free. */
static char *test_name(const struct dnsbl_zone *z, const char *test)
{
    struct dnsbl_address a = {.six = true};
    if (!(z->asks & (DNSBL_TABLE_IP4 | DNSBL_TABLE_IP6)))
        return g_strdup_printf("%s.%s", test, z->zone);
    /* A list of IPv6 addresses is tested with the mapped address itself, not with the IPv4 address in it. */
    if ((z->asks & DNSBL_TABLE_IP4 || inet_pton(AF_INET6, test, a.bytes) != 1) &&
        !dnsbl_address_parse(&a, test))
        return g_strdup_printf("%s.%s", test, z->zone);
    g_autofree char *reversed = dnsbl_address_reversed(&a);
    return g_strdup_printf("%s.%s", reversed, z->zone);
}

void dnsbl_life_ask(struct dnsbl_life *life, struct resolver *r)
{
    const char *const tests[] = {life->zone->listed, life->zone->not_listed};
    doubt(life);
    if (life->state != DNSBL_UNTRIED || life->probes[0].out || life->probes[1].out)
        return;
    life->resolver = r;
    for (int i = 0; i < 2; i++)
        life->probes[i] = (struct dnsbl_life_probe){life, tests[i] != NULL, !tests[i], false};
    for (int i = 0; i < 2; i++) {
        g_autofree char *name = tests[i] ? test_name(life->zone, tests[i]) : NULL;
        if (name)
            resolver_ask(r, name, DNS_A, on_probe, &life->probes[i]);
    }
    if (!tests[0] && !tests[1])
        judge(life);
}

void dnsbl_life_clear(struct dnsbl_life *life)
{
    for (int i = 0; i < 2; i++)
        if (life->probes[i].out)
            resolver_forget(life->resolver, &life->probes[i]);
    g_free(life->why);
}
