/* The DNS cache of one process, bounded in entries and bytes. Called by resolver.c. */
#include "base/dns/resolver_cache.h"

#include <glib.h>
#include <string.h>

enum {
    MAX_ENTRIES = 10000,
    MAX_BYTES = 8 << 20, /* a TXT record has up to 64 KB */
    MAX_TTL = 3600,
    ENTRY_BYTES = 300, /* rough memory of an entry without its texts */
};

struct entry {
    char *key;
    struct dns_answer *answer;
    gint64 expires; /* monotonic, us */
    size_t bytes;
};

struct resolver_cache {
    GHashTable *by_key; /* key => its GList in oldest */
    GQueue oldest;      /* of struct entry*, the oldest in front */
    size_t bytes;
};

struct resolver_cache *resolver_cache_new(void)
{
    struct resolver_cache *c = g_new0(struct resolver_cache, 1);
    c->by_key = g_hash_table_new(g_str_hash, g_str_equal);
    g_queue_init(&c->oldest);
    return c;
}

static void drop(struct resolver_cache *c, GList *link)
{
    struct entry *e = link->data;
    g_hash_table_remove(c->by_key, e->key);
    g_queue_delete_link(&c->oldest, link);
    c->bytes -= e->bytes;
    dns_answer_free(&e->answer);
    g_free(e->key);
    g_free(e);
}

void resolver_cache_free(struct resolver_cache **c)
{
    if (!*c)
        return;
    while ((*c)->oldest.head)
        drop(*c, (*c)->oldest.head);
    g_hash_table_unref((*c)->by_key);
    g_clear_pointer(c, g_free);
}

struct dns_answer *resolver_cache_get(struct resolver_cache *c, const char *key)
{
    GList *link = g_hash_table_lookup(c->by_key, key);
    struct entry *e = link ? link->data : NULL;
    const gint64 left = e ? e->expires - g_get_monotonic_time() : 0;
    if (e && left <= 0)
        drop(c, link);
    if (left <= 0)
        return NULL;
    e->answer->ttl = (guint32)((left + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
    return e->answer;
}

static size_t bytes_of(const char *key, const struct dns_answer *a)
{
    size_t sum = ENTRY_BYTES + strlen(key);
    for (guint i = 0; i < a->records->len; i++)
        sum += sizeof(struct dns_record) + ((const struct dns_record *)a->records->pdata[i])->len;
    return sum;
}

void resolver_cache_put(struct resolver_cache *c, const char *key, struct dns_answer *answer)
{
    GList *old = g_hash_table_lookup(c->by_key, key);
    if (old)
        drop(c, old);
    if (answer->ttl == 0)
        return;
    struct entry *e = g_new0(struct entry, 1);
    e->key = g_strdup(key);
    e->answer = g_rc_box_acquire(answer);
    e->expires = g_get_monotonic_time() + (gint64)MIN(answer->ttl, MAX_TTL) * G_USEC_PER_SEC;
    e->bytes = bytes_of(key, answer);
    c->bytes += e->bytes;
    g_queue_push_tail(&c->oldest, e);
    g_hash_table_insert(c->by_key, e->key, c->oldest.tail);
    while (c->oldest.length > MAX_ENTRIES || c->bytes > MAX_BYTES)
        drop(c, c->oldest.head);
}
