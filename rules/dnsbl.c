/* Queries DNS lists about a message's addresses and domains. Called by evidence.c; filterctl and the pipeline
 * test the lists. */
#include "rules/dnsbl.h"

#include <stdbool.h>
#include <string.h>

#include "base/dns/dns_answer.h"
#include "rules/auth/dmarc.h"
#include "rules/dnsbl_address.h"
#include "rules/dnsbl_life.h"
#include "rules/dnsbl_table.h"
#include "rules/hits.h"

enum { MAX_URIS = 20, MAX_LOOKUPS = 500 };

struct dnsbl {
    GPtrArray *zones;         /* of struct dnsbl_zone* */
    struct dnsbl_life *lives; /* state of each zone, in the same order */
    GSList *checks;           /* of struct dnsbl_check*, those in progress */
};

struct dnsbl_check {
    struct dnsbl *d;
    struct resolver *resolver;
    GPtrArray *hits;    /* lent */
    GPtrArray *lookups; /* of struct lookup* */
    GHashTable *uris;   /* registered domains of links looked up so far */
    GHashTable *names;  /* names queried */
    struct given {
        double for_spam, for_ham; /* weight its hits already have */
        bool asked;
    } *given;         /* one for each zone */
    GString *summary; /* "zone=code,..." so far */
};

struct lookup {
    struct dnsbl_check *check;
    guint zone;
    char *subject;    /* the address or domain looked up */
    GByteArray *held; /* answers held until the list has passed its test, 4 bytes each; NULL: none */
};

/* ---- the lists ---- */

static void judge_held(struct lookup *l);

static void on_known(struct dnsbl_life *life, void *arg)
{
    struct dnsbl *d = arg;
    const guint zone = (guint)(life - d->lives);
    for (GSList *c = d->checks; c; c = c->next) {
        GPtrArray *lookups = ((struct dnsbl_check *)c->data)->lookups;
        for (guint i = 0; i < lookups->len; i++) {
            struct lookup *l = lookups->pdata[i];
            if (l->zone == zone)
                judge_held(l);
        }
    }
}

struct dnsbl *dnsbl_load(const char *file, char **error_r)
{
    GPtrArray *zones = dnsbl_table_load(file, error_r);
    if (!zones)
        return NULL;
    struct dnsbl *d = g_new0(struct dnsbl, 1);
    d->zones = zones;
    d->lives = g_new0(struct dnsbl_life, zones->len + 1);
    for (guint i = 0; i < zones->len; i++)
        d->lives[i] = (struct dnsbl_life){.zone = zones->pdata[i], .known = on_known, .arg = d};
    return d;
}

void dnsbl_free(struct dnsbl **d)
{
    if (!*d)
        return;
    for (guint i = 0; i < (*d)->zones->len; i++)
        dnsbl_life_clear(&(*d)->lives[i]);
    g_free((*d)->lives);
    g_ptr_array_unref((*d)->zones);
    g_slist_free((*d)->checks);
    g_clear_pointer(d, g_free);
}

void dnsbl_probe(struct dnsbl *d, struct resolver *r)
{
    for (guint i = 0; i < d->zones->len; i++)
        dnsbl_life_ask(&d->lives[i], r);
}

void dnsbl_each(const struct dnsbl *d,
                void (*fn)(const char *name, enum dnsbl_state state, const char *why, void *arg),
                void *arg)
{
    for (guint i = 0; i < d->zones->len; i++)
        fn(d->lives[i].zone->name, d->lives[i].state, d->lives[i].why, arg);
}

/* ---- answers ---- */

/* The weight a zone's next hit adds: what its weight exceeds the weight given so far by. */
static double weight_left(struct given *g, double weight)
{
    double *had = weight >= 0 ? &g->for_spam : &g->for_ham;
    const double left = weight - *had;
    if (weight >= 0 ? left <= 0 : left >= 0)
        return 0;
    *had = weight;
    return left;
}

static void add_hit(struct lookup *l, const struct dnsbl_code *code, const guint8 *a)
{
    struct dnsbl_check *c = l->check;
    const struct dnsbl_zone *z = c->d->lives[l->zone].zone;
    g_autofree char *name = g_strdup_printf("dnsbl:%s/%s", z->name, code->name);
    g_autofree char *reason =
        g_strdup_printf("%s is listed by %s (%d.%d.%d.%d)%s%s", l->subject, z->name, a[0], a[1], a[2],
                        a[3], *code->text ? ": " : "", code->text);
    for (guint i = 0; i < c->hits->len; i++)
        if (strcmp(((const struct hit *)c->hits->pdata[i])->name, name) == 0)
            return;
    hits_add(c->hits, name, weight_left(&c->given[l->zone], code->weight), reason);
}

/* Adds the hits of one answer. Of codes with a bit mask all that match count; of ranges only the first. True if
 * any matched. */
static bool add_hits(struct lookup *l, const guint8 *address)
{
    const struct dnsbl_zone *z = l->check->d->lives[l->zone].zone;
    bool any = false;
    for (guint i = 0; i < z->codes->len; i++) {
        const struct dnsbl_code *code = z->codes->pdata[i];
        if (code->error || !dnsbl_code_matches(code, address))
            continue;
        any = true;
        add_hit(l, code, address);
        if (!code->mask)
            break;
    }
    return any;
}

static void judge_held(struct lookup *l)
{
    struct dnsbl_life *life = &l->check->d->lives[l->zone];
    if (!l->held)
        return;
    for (guint i = 0; i + 4 <= l->held->len && dnsbl_life_is_proved(life); i += 4) {
        const guint8 *a = l->held->data + i;
        GString *s = l->check->summary;
        if (add_hits(l, a))
            g_string_append_printf(s, "%s%s=%d.%d.%d.%d", s->len ? "," : "", life->zone->name, a[0],
                                   a[1], a[2], a[3]);
    }
    g_clear_pointer(&l->held, g_byte_array_unref);
}

static void on_answer(const struct dns_answer *answer, void *arg)
{
    struct lookup *l = arg;
    struct dnsbl_life *life = &l->check->d->lives[l->zone];
    const char *error = NULL;
    GByteArray *held = g_byte_array_new();
    for (guint i = 0; !error && i < answer->records->len; i++) {
        const struct dns_record *r = answer->records->pdata[i];
        error = dnsbl_life_error(life->zone, r->address);
        g_byte_array_append(held, r->address, 4);
    }
    if (error || held->len == 0) {
        g_byte_array_unref(held);
        if (error && life->state != DNSBL_ASLEEP)
            dnsbl_life_sleep(life, error);
        return;
    }
    l->held = held;
    if (dnsbl_life_is_proved(life))
        judge_held(l);
}

/* ---- questions ---- */

static void lookup_free(gpointer data)
{
    struct lookup *l = data;
    if (l->held)
        g_byte_array_unref(l->held);
    g_free(l->subject);
    g_free(l);
}

struct dnsbl_check *dnsbl_check_new(struct dnsbl *d, struct resolver *r, GPtrArray *hits)
{
    struct dnsbl_check *c = g_new0(struct dnsbl_check, 1);
    c->d = d;
    c->resolver = r;
    c->hits = hits;
    c->lookups = g_ptr_array_new_with_free_func(lookup_free);
    c->uris = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    c->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    c->given = g_new0(struct given, d->zones->len + 1);
    c->summary = g_string_new(NULL);
    d->checks = g_slist_prepend(d->checks, c);
    return c;
}

void dnsbl_check_free(struct dnsbl_check **check)
{
    struct dnsbl_check *c = *check;
    if (!c)
        return;
    for (guint i = 0; i < c->lookups->len; i++)
        resolver_forget(c->resolver, c->lookups->pdata[i]);
    c->d->checks = g_slist_remove(c->d->checks, c);
    g_ptr_array_unref(c->lookups);
    g_hash_table_unref(c->uris);
    g_hash_table_unref(c->names);
    g_string_free(c->summary, TRUE);
    g_free(c->given);
    g_clear_pointer(check, g_free);
}

static void query_list(struct dnsbl_check *c, guint zone, const char *prefix, const char *subject)
{
    struct dnsbl_life *life = &c->d->lives[zone];
    g_autofree char *name = g_strdup_printf("%s.%s", prefix, life->zone->zone);
    if (!dnsbl_life_may_be_asked(life) || c->lookups->len >= MAX_LOOKUPS ||
        g_hash_table_contains(c->names, name))
        return;
    g_hash_table_add(c->names, g_strdup(name));
    struct lookup *l = g_new0(struct lookup, 1);
    *l = (struct lookup){c, zone, g_strdup(subject), NULL};
    g_ptr_array_add(c->lookups, l);
    c->given[zone].asked = true;
    dnsbl_life_ask(life, c->resolver);
    resolver_ask(c->resolver, name, DNS_A, on_answer, l);
}

void dnsbl_check_address(struct dnsbl_check *c, const char *address)
{
    struct dnsbl_address a;
    if (!dnsbl_address_parse(&a, address) || dnsbl_address_is_private(&a))
        return;
    g_autofree char *reversed = dnsbl_address_reversed(&a);
    for (guint i = 0; i < c->d->zones->len; i++)
        if (c->d->lives[i].zone->asks & (a.six ? DNSBL_TABLE_IP6 : DNSBL_TABLE_IP4))
            query_list(c, i, reversed, address);
}

/* True for IP addresses in any notation, also 0x7f.1 and 2130706433: a host name's last label never begins with
 * a digit. */
static bool looks_like_address(const char *host)
{
    const char *last = strrchr(host, '.');
    struct dnsbl_address a;
    last = last ? last + 1 : host;
    return dnsbl_address_parse(&a, host) || strchr(host, ':') || g_ascii_isdigit(*last);
}

void dnsbl_check_domain(struct dnsbl_check *c, enum dnsbl_subject subject, const char *host)
{
    g_autofree char *bare = g_strndup(host, MIN(strlen(host), 1000));
    const size_t len = strlen(bare);
    if (len && bare[len - 1] == '.')
        bare[len - 1] = 0;
    g_autofree char *domain = looks_like_address(bare) ? NULL : dmarc_registered_domain(bare);
    if (!domain)
        return;
    if (subject == DNSBL_URI && !g_hash_table_contains(c->uris, domain)) {
        if (g_hash_table_size(c->uris) >= MAX_URIS)
            return;
        g_hash_table_add(c->uris, g_strdup(domain));
    }
    for (guint i = 0; i < c->d->zones->len; i++)
        if (c->d->lives[i].zone->asks & 1u << subject)
            query_list(c, i, domain, domain);
}

guint dnsbl_check_asked(const struct dnsbl_check *c)
{
    guint n = 0;
    for (guint i = 0; i < c->d->zones->len; i++)
        n += c->given[i].asked;
    return n;
}

char *dnsbl_check_summary(const struct dnsbl_check *c)
{
    return g_strdup(dnsbl_check_asked(c) == 0 ? "-" : c->summary->str);
}
