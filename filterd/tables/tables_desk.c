/* Knows which answers of the tables may be given again. Called by tables_process.c. */
#include "filterd/tables/tables_desk.h"

#include <string.h>

#include "base/config/users_tables.h"
#include "filterd/tables/tables_cache.h"
#include "filterd/tables/tables_packet.h"

struct tables_desk {
    struct tables_cache *cache;
    GString *packet;
    GBytes *temporary; /* the answer that says: not now */
};

struct tables_desk *tables_desk_new(void)
{
    struct tables_desk *d = g_new0(struct tables_desk, 1);
    d->cache = tables_cache_new(TABLES_CACHE_ANSWERS);
    d->packet = g_string_new(NULL);
    tables_packet_write_answer(d->packet, 0, USERS_TEMP, &(struct users_tables_answer){0});
    d->temporary = g_bytes_new(d->packet->str, d->packet->len);
    return d;
}

void tables_desk_free(struct tables_desk **d)
{
    if (!*d)
        return;
    tables_cache_free(&(*d)->cache);
    g_string_free((*d)->packet, TRUE);
    g_bytes_unref((*d)->temporary);
    g_clear_pointer(d, g_free);
}

char *tables_desk_key(const char *question, size_t len, guint32 *number_r)
{
    enum users_tables_question what;
    const char *address;
    if (!tables_packet_read_question(question, len, number_r, &what, &address))
        return NULL;
    return tables_packet_name(what, address);
}

const GString *tables_desk_question(struct tables_desk *d, const char *key, guint32 number)
{
    const enum users_tables_question what = *key == 'a'   ? USERS_TABLES_ALL
                                            : *key == 'm' ? USERS_TABLES_MAILBOX
                                            : *key == 'd' ? USERS_TABLES_IS_DOMAIN
                                            : *key == 'h' ? USERS_TABLES_KEYED
                                                          : USERS_TABLES_KEY;
    (void)tables_packet_write_question(d->packet, number, what, key + 1); /* it came in such a packet */
    return d->packet;
}

const GBytes *tables_desk_known(const struct tables_desk *d, const char *key)
{
    return tables_cache_get(d->cache, key, g_get_monotonic_time(), false);
}

const GBytes *tables_desk_take(struct tables_desk *d, const char *key, const char *answer, size_t len)
{
    struct users_tables_answer a = {0};
    guint32 number;
    enum users_result result = USERS_TEMP;
    if (!answer || !tables_packet_read_answer(answer, len, &number, &result, &a))
        result = USERS_TEMP;
    users_tables_answer_clear(&a);
    const gint64 now = g_get_monotonic_time();
    if (result != USERS_TEMP)
        tables_cache_put(d->cache, key, result, g_bytes_new(answer, len), now);
    const GBytes *known = tables_cache_get(d->cache, key, now, true);
    return known ? known : d->temporary;
}

GBytes *tables_desk_numbered(const GBytes *answer, guint32 number)
{
    gsize len;
    const void *data = g_bytes_get_data((GBytes *)answer, &len);
    char *copy = g_memdup2(data, len);
    memcpy(copy, &number, sizeof number);
    return g_bytes_new_take(copy, len);
}
