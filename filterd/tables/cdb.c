/* The records of a constant database, in their order (https://cr.yp.to/cdb/cdb.txt): 256 pairs of position and
 * number of slots, then the records up to the first hash table, each with two lengths in front. All numbers have 32
 * bits, the lowest byte first. Called by compiled.c. */
#include "filterd/tables/cdb.h"

#include <string.h>

#define HEADER 2048

static guint32 number_at(const char *data)
{
    guint32 n;
    memcpy(&n, data, sizeof n);
    return GUINT32_FROM_LE(n);
}

/* Where the records end: the hash tables stand behind them. 0 if a table reaches over the end of the file. */
static gsize records_end(const char *data, gsize len)
{
    gsize end = len;
    for (gsize i = 0; i < HEADER; i += 8) {
        const gsize position = number_at(data + i), bytes = (gsize)number_at(data + i + 4) * 8;
        if (position < HEADER || position > len || bytes > len - position)
            return 0;
        end = MIN(end, position);
    }
    return end;
}

/* Postfix may count the C string's NUL as part of it. */
static gsize without_nul(const char *text, gsize len)
{
    return len && text[len - 1] == '\0' ? len - 1 : len;
}

static bool is_plain(const char *text, gsize len, const char *not_in_it)
{
    if (memchr(text, '\0', len))
        return false;
    for (; *not_in_it; not_in_it++)
        if (memchr(text, *not_in_it, len))
            return false;
    return true;
}

static void add(const char *key, gsize key_len, const char *value, gsize value_len, GString *out)
{
    key_len = without_nul(key, key_len);
    value_len = without_nul(value, value_len);
    if (!is_plain(key, key_len, "\t\n") || !is_plain(value, value_len, "\n"))
        return;
    g_string_append_len(out, key, (gssize)key_len);
    g_string_append_c(out, '\t');
    g_string_append_len(out, value, (gssize)value_len);
    g_string_append_c(out, '\n');
}

bool cdb_dump(const char *data, gsize len, GString *out)
{
    const gsize end = len < HEADER ? 0 : records_end(data, len);
    gsize at = HEADER;
    if (!end)
        return false;
    while (end - at >= 8) {
        const gsize key = number_at(data + at), value = number_at(data + at + 4);
        at += 8;
        if (key > end - at || value > end - at - key)
            return false;
        add(data + at, key, data + at + key, value, out);
        at += key + value;
    }
    return at == end;
}
