/* Compiled tables, read through Postfix's own "postmap -s" whenever their file has changed, and kept in memory:
 * no file format to know, and whatever Berkeley DB does with a damaged file happens in another process. postmap
 * cannot list cdb: cdb.c does. Called by member.c. */
#include "filterd/tables/compiled.h"

#include <errno.h>
#include <string.h>

#include "filterd/tables/cdb.h"
#include "filterd/tables/lines.h"
#include "filterd/tables/postmap.h"

#define TABLE_BYTES_MAX ((gsize)512 << 20)
/* File times are coarse: a second write right after one that was seen may leave the same time and size. So a table
 * that had just been written is read once more, this much later. */
#define YOUNG_US (2 * G_USEC_PER_SEC)
/* One that cannot be read is not tried again before. */
#define REST_US (2 * G_USEC_PER_SEC)

struct compiled {
    const char *type;
    char *name, *file;
    char *content;      /* what postmap printed, its tabs and line ends made NULs */
    GHashTable *values; /* key => value, both within content; NULL: not read */
    struct lines_stamp stamp;
    gint64 again;     /* when to read it once more, 0: never */
    char *trouble;    /* why the last try failed */
    gint64 try_after; /* monotonic */
};

static void forget(struct compiled *c)
{
    g_clear_pointer(&c->values, g_hash_table_unref);
    g_clear_pointer(&c->content, g_free);
    g_clear_pointer(&c->trouble, g_free);
    c->again = 0;
}

static void compiled_free(void *data)
{
    struct compiled *c = data;
    forget(c);
    g_free(c->name);
    g_free(c->file);
    g_free(c);
}

/* Of two entries with one key the first counts, as in a lookup of cdb's. */
static void index_lines(struct compiled *c)
{
    c->values = g_hash_table_new(g_str_hash, g_str_equal);
    for (char *line = c->content, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *tab = strchr(line, '\t');
        if (!tab)
            continue;
        *tab = '\0';
        if (!g_hash_table_contains(c->values, line))
            g_hash_table_insert(c->values, line, tab + 1);
    }
}

static bool dump(struct compiled *c, GString *out)
{
    g_autofree char *data = NULL;
    gsize len;
    if (strcmp(c->type, "cdb"))
        return postmap_dump(c->type, c->name, TABLE_BYTES_MAX, out, &c->trouble);
    if (!lines_read(c->file, TABLE_BYTES_MAX, &data, &len, &c->trouble))
        return false;
    const bool ok = cdb_dump(data, len, out);
    if (!ok)
        c->trouble = g_strdup("not a constant database");
    return ok;
}

static bool load(struct compiled *c, const struct lines_stamp *stamp)
{
    const gint64 now = g_get_real_time();
    const gint64 modified = stamp->modified.tv_sec * G_USEC_PER_SEC;
    GString *out = g_string_new(NULL);
    forget(c);
    if (!dump(c, out)) {
        g_string_free(out, TRUE);
        return false;
    }
    c->content = g_string_free(out, FALSE);
    index_lines(c);
    c->stamp = *stamp;
    if (ABS(now - modified) < YOUNG_US)
        c->again = g_get_monotonic_time() + YOUNG_US;
    return true;
}

static bool is_current(const struct compiled *c, const struct lines_stamp *stamp)
{
    return c->values && lines_stamp_is(&c->stamp, stamp) && (!c->again || g_get_monotonic_time() < c->again);
}

static enum table_result compiled_ask(void *state, const char *key, unsigned flags, GString *value, char **error_r)
{
    struct compiled *c = state;
    struct lines_stamp stamp;
    (void)flags;
    if (!lines_stamp(c->file, &stamp)) {
        *error_r = g_strdup_printf("%s: %s", c->file, g_strerror(errno));
        forget(c);
        return TABLE_TEMP;
    }
    if (c->trouble && g_get_monotonic_time() < c->try_after) {
        *error_r = g_strdup_printf("%s: %s", c->file, c->trouble);
        return TABLE_TEMP;
    }
    if (!is_current(c, &stamp) && !load(c, &stamp)) {
        c->try_after = g_get_monotonic_time() + REST_US;
        *error_r = g_strdup_printf("%s: %s", c->file, c->trouble);
        return TABLE_TEMP;
    }
    const char *found = g_hash_table_lookup(c->values, key);
    if (found)
        g_string_append(value, found);
    return found ? TABLE_FOUND : TABLE_NONE;
}

/* Does not read it yet: an operator may compile it later. */
static void *compiled_open(const struct table_type *type, const char *name, const struct table_family *family,
                           char **error_r)
{
    (void)family;
    if (*name != '/') {
        *error_r = g_strdup_printf("%s:%s: expected the full path of a file", type->name, name);
        return NULL;
    }
    const bool db = !strcmp(type->name, "hash") || !strcmp(type->name, "btree");
    struct compiled *c = g_new0(struct compiled, 1);
    c->type = type->name;
    c->name = g_strdup(name);
    c->file = g_strconcat(name, ".", db ? "db" : type->name, NULL);
    return c;
}

const struct table_type compiled_hash = {"hash", compiled_open, NULL, compiled_ask, compiled_free};
const struct table_type compiled_btree = {"btree", compiled_open, NULL, compiled_ask, compiled_free};
const struct table_type compiled_lmdb = {"lmdb", compiled_open, NULL, compiled_ask, compiled_free};
const struct table_type compiled_cdb = {"cdb", compiled_open, NULL, compiled_ask, compiled_free};
