/* Counts what workers ask. Called by keeper_verbs.c and unclaimed.c. */
#include "filterd/keeper/keeper_rates.h"

#include "base/log.h"
#include "base/rate.h"

#define MINUTE (1.0 / 60)
#define DAY (1.0 / 86400)

static const struct {
    const char *what;        /* for the log */
    struct rate_limit all;   /* of all workers */
    struct rate_limit share; /* of one user; at_once 0: none */
} rates[KEEPER_RATES] = {
    [KEEPER_RATE_RECORD] = {"records of deliveries", {50000, 500}, {5000, 1}},
    [KEEPER_RATE_LEARN] = {"messages to learn from their text", {5000, 2}, {500, 500 * DAY}},
    [KEEPER_RATE_GREYLIST] = {"questions to the greylist", {50000, 500}, {0, 0}},
    [KEEPER_RATE_DELIVERED] = {"digests of delivered copies", {100000, 1000}, {0, 0}},
    [KEEPER_RATE_SPENT] = {"proofs between the legs", {100000, 1000}, {0, 0}},
    [KEEPER_RATE_DOMAIN] = {"questions to the table of domains", {20000, 20}, {0, 0}},
    [KEEPER_RATE_OWN_STORE] = {"stores for new users", {200, 200.0 / 3600}, {0, 0}},
};

struct keeper_rates {
    struct rate all[KEEPER_RATES];
    GHashTable *shares[KEEPER_RATES]; /* user -> struct rate */
    struct rate logged;
};

struct keeper_rates *keeper_rates_new(void)
{
    struct keeper_rates *r = g_new0(struct keeper_rates, 1);
    for (int i = 0; i < KEEPER_RATES; i++)
        r->shares[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return r;
}

void keeper_rates_free(struct keeper_rates **r)
{
    for (int i = 0; *r && i < KEEPER_RATES; i++)
        g_hash_table_unref((*r)->shares[i]);
    g_clear_pointer(r, g_free);
}

static struct rate *share_of(struct keeper_rates *r, enum keeper_rate which, const char *user)
{
    struct rate *share = g_hash_table_lookup(r->shares[which], user);
    if (!share) {
        share = g_new0(struct rate, 1);
        g_hash_table_insert(r->shares[which], g_strdup(user), share);
    }
    return share;
}

static bool refuse(struct keeper_rates *r, enum keeper_rate which, gint64 now)
{
    static const struct rate_limit a_minute = {1, MINUTE};
    if (rate_take(&r->logged, &a_minute, 1, now))
        log_warn("keeper: workers ask too much: %s are refused for a while", rates[which].what);
    return false;
}

/* The whole comes first: so no more users are remembered than it lets through. */
bool keeper_rates_take(struct keeper_rates *r, enum keeper_rate which, const char *user, gsize n)
{
    const gint64 now = g_get_monotonic_time();
    if (which == KEEPER_RATE_NONE)
        return true;
    if (!rate_take(&r->all[which], &rates[which].all, (double)n, now))
        return refuse(r, which, now);
    if (user && rates[which].share.at_once > 0 &&
        !rate_take(share_of(r, which, user), &rates[which].share, (double)n, now))
        return refuse(r, which, now);
    return true;
}

void keeper_rates_tick(struct keeper_rates *r)
{
    const gint64 now = g_get_monotonic_time();
    for (int i = 0; i < KEEPER_RATES; i++) {
        GHashTableIter it;
        gpointer share;
        g_hash_table_iter_init(&it, r->shares[i]);
        while (g_hash_table_iter_next(&it, NULL, &share))
            if (rate_is_fresh(share, &rates[i].share, now))
                g_hash_table_iter_remove(&it);
    }
}
