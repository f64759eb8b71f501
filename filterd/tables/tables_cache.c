/* Keeps answers of the tables for a while. Called by tables_process.c. */
#include "filterd/tables/tables_cache.h"

struct entry {
    char *question;
    GBytes *answer;
    gint64 given_us;
    GList *link; /* in the queue of its sort */
};

/* One sort of answers. */
struct shelf {
    GHashTable *entries; /* question -> struct entry */
    GQueue by_age;       /* the oldest first */
};

struct tables_cache {
    guint answers;
    struct shelf found, unknown;
};

static void entry_free(gpointer data)
{
    struct entry *e = data;
    g_free(e->question);
    g_bytes_unref(e->answer);
    g_free(e);
}

static void shelf_init(struct shelf *s)
{
    s->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    g_queue_init(&s->by_age);
}

struct tables_cache *tables_cache_new(guint answers)
{
    struct tables_cache *c = g_new0(struct tables_cache, 1);
    c->answers = answers;
    shelf_init(&c->found);
    shelf_init(&c->unknown);
    return c;
}

static void shelf_clear(struct shelf *s)
{
    g_hash_table_unref(s->entries);
    g_queue_clear(&s->by_age);
}

void tables_cache_free(struct tables_cache **c)
{
    if (!*c)
        return;
    shelf_clear(&(*c)->found);
    shelf_clear(&(*c)->unknown);
    g_clear_pointer(c, g_free);
}

static void drop(struct shelf *s, struct entry *e)
{
    if (!e)
        return;
    g_queue_delete_link(&s->by_age, e->link);
    g_hash_table_remove(s->entries, e->question);
}

static const GBytes *take(struct shelf *s, const char *question, gint64 since_us)
{
    const struct entry *e = g_hash_table_lookup(s->entries, question);
    return e && e->given_us > since_us ? e->answer : NULL;
}

const GBytes *tables_cache_get(struct tables_cache *c, const char *question, gint64 now_us, bool stale)
{
    const gint64 fresh = now_us - TABLES_CACHE_FRESH_S * G_USEC_PER_SEC;
    const GBytes *answer =
        take(&c->found, question, stale ? now_us - TABLES_CACHE_STALE_S * G_USEC_PER_SEC : fresh);
    return answer ? answer : take(&c->unknown, question, fresh);
}

void tables_cache_put(struct tables_cache *c, const char *question, enum users_result result, GBytes *answer,
                      gint64 now_us)
{
    struct shelf *s = result == USERS_FOUND ? &c->found : &c->unknown;
    drop(&c->found, g_hash_table_lookup(c->found.entries, question));
    drop(&c->unknown, g_hash_table_lookup(c->unknown.entries, question));
    if (result == USERS_TEMP) {
        g_bytes_unref(answer);
        return;
    }
    while (g_hash_table_size(s->entries) >= c->answers)
        drop(s, g_queue_peek_head(&s->by_age));
    struct entry *e = g_new0(struct entry, 1);
    *e = (struct entry){g_strdup(question), answer, now_us, NULL};
    g_queue_push_tail(&s->by_age, e);
    e->link = s->by_age.tail;
    g_hash_table_insert(s->entries, e->question, e);
}
