/* SQL tables: reads their file, decides whether a key is asked for at all, keeps a connection to each host, and makes
 * one value of the rows. Called by pgsql.c, mysql.c and sqlite.c, which know their libraries.
 *
 * A host that cannot be reached rests: until then a lookup that has no other host fails at once, and so it does while
 * another process waits for that host. A connection that was lost since its last use (the server was restarted) is made
 * again once, unnoticed. */
#include "filterd/tables/sql.h"

#include <string.h>

#include "filterd/tables/list.h"
#include "filterd/tables/sql_domains.h"
#include "filterd/tables/sql_waits.h"
#include "filterd/tables/table_result.h"

#define LOOKUP_US (10 * G_USEC_PER_SEC) /* all of one lookup, over all hosts */
#define CONNECT_US (5 * G_USEC_PER_SEC) /* one connection */
#define REST_US (5 * G_USEC_PER_SEC)
#define IDLE_US (60 * G_USEC_PER_SEC)

struct sql {
    const struct sql_client *client;
    const char *type;
    struct sql_file *file;
    struct sql_template *query, *format;
    struct sql_domains *domains; /* NULL: all */
    int limit;
    GPtrArray *hosts; /* of struct sql_host*; those with unix sockets first */
};

static void host_free(gpointer data)
{
    struct sql_host *h = data;
    g_free(h->name);
    g_free(h->port);
    g_free(h);
}

static void disconnect(const struct sql *s, struct sql_host *h)
{
    if (h->connection)
        s->client->close(h->connection);
    h->connection = NULL;
}

void sql_close(void *state)
{
    struct sql *s = state;
    for (guint i = 0; s->hosts && i < s->hosts->len; i++)
        disconnect(s, s->hosts->pdata[i]);
    g_clear_pointer(&s->hosts, g_ptr_array_unref);
    sql_domains_free(&s->domains);
    sql_template_free(&s->query);
    sql_template_free(&s->format);
    sql_file_free(&s->file);
    g_free(state);
}

static bool begins(const char **text, const char *with)
{
    const size_t len = strlen(with);
    if (strncmp(*text, with, len) != 0)
        return false;
    *text += len;
    return true;
}

/* host, host:port, [v6]:port. */
static void split_port(struct sql_host *h, const char *text)
{
    const char *colon = strrchr(text, ':'), *close = *text == '[' ? strchr(text, ']') : NULL;
    if (close) {
        h->name = g_strndup(text + 1, (gsize)(close - text - 1));
        h->port = g_strdup(close[1] == ':' ? close + 2 : "");
    } else {
        h->name = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
        h->port = g_strdup(colon ? colon + 1 : "");
    }
}

static struct sql_host *host_new(const char *type, const char *text)
{
    struct sql_host *h = g_new0(struct sql_host, 1);
    const bool pgsql = !strcmp(type, "pgsql");
    if (pgsql && (g_str_has_prefix(text, "postgresql://") || g_str_has_prefix(text, "postgres://"))) {
        h->kind = SQL_HOST_URI;
        h->name = g_strdup(text);
        h->port = g_strdup("");
    } else if (begins(&text, "unix:") || (pgsql && *text == '/')) {
        h->kind = SQL_HOST_UNIX;
        h->name = g_strdup(text);
        h->port = g_strdup("");
    } else {
        h->kind = SQL_HOST_INET;
        begins(&text, "inet:");
        split_port(h, text);
    }
    g_autofree char *server = g_strdup_printf("%s %d %s %s", type, h->kind, h->name, h->port);
    h->server = MAX(1, g_str_hash(server));
    return h;
}

static bool add_hosts(struct sql *s, char **error_r)
{
    s->hosts = g_ptr_array_new_with_free_func(host_free);
    if (!strcmp(s->type, "sqlite")) {
        const char *path = sql_file_need(s->file, "dbpath", error_r);
        struct sql_host *h = g_new0(struct sql_host, 1);
        *h = (struct sql_host){SQL_HOST_FILE, g_strdup(path), g_strdup(""), NULL, 0, 0, 0};
        g_ptr_array_add(s->hosts, h);
        return path != NULL;
    }
    const char *at = sql_file_get(s->file, "hosts", "");
    guint unixes = 0;
    for (char *item; (item = list_next(&at)); g_free(item)) {
        struct sql_host *h = host_new(s->type, item);
        g_ptr_array_insert(s->hosts, h->kind == SQL_HOST_UNIX ? (gint)unixes++ : -1, h);
    }
    if (!s->hosts->len)
        g_ptr_array_add(s->hosts, host_new(s->type, "localhost"));
    return true;
}

/* The query itself, or what the older parameters make of it. g_free; NULL with *error_r. */
static char *query_text(const struct sql *s, char **error_r)
{
    const char *query = sql_file_get(s->file, "query", NULL);
    const char *function = !strcmp(s->type, "pgsql") ? sql_file_get(s->file, "select_function", NULL) : NULL;
    if (query && *query)
        return g_strdup(query);
    if (function && *function)
        return g_strdup_printf("SELECT %s('%%s')", function);
    const char *needed[3], *const names[] = {"select_field", "table", "where_field"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *why = NULL;
        if (!(needed[i] = sql_file_need(s->file, names[i], &why))) {
            *error_r = g_strdup_printf("%s: there is neither query nor %s", sql_file_path(s->file), names[i]);
            return NULL;
        }
    }
    return g_strdup_printf("SELECT %s FROM %s WHERE %s = '%%s' %s", needed[0], needed[1], needed[2],
                           sql_file_get(s->file, "additional_conditions", ""));
}

static bool read_template(const struct sql *s, const char *name, const char *text, struct sql_template **t_r,
                          char **error_r)
{
    *t_r = sql_template_new(text);
    if (!*t_r)
        *error_r = g_strdup_printf("%s: %s: a %% may stand before s u d S U D 1 to 9 and %% only",
                                   sql_file_path(s->file), name);
    return *t_r != NULL;
}

static bool read_parameters(struct sql *s, const struct table_family *family, char **error_r)
{
    g_autofree char *query = query_text(s, error_r);
    const char *format = sql_file_get(s->file, "result_format", "%s");
    const char *domains = sql_file_get(s->file, "domain", "");
    if (!query || !read_template(s, "query", query, &s->query, error_r) ||
        !read_template(s, "result_format", format, &s->format, error_r) ||
        !sql_file_number(s->file, "expansion_limit", 0, &s->limit, error_r) || !add_hosts(s, error_r))
        return false;
    if (*domains && !(s->domains = sql_domains_new(domains, family, error_r)))
        return false;
    return !s->client->vet || s->client->vet(s->file, error_r);
}

void *sql_open(const struct sql_client *client, const struct table_type *type, const char *name,
               const struct table_family *family, char **error_r)
{
    if (*name != '/') {
        *error_r = g_strdup_printf("%s:%s: expected the full path of a file; parameters in main.cf are not read",
                                   type->name, name);
        return NULL;
    }
    struct sql *s = g_new0(struct sql, 1);
    s->client = client;
    s->type = type->name;
    s->file = sql_file_read(name, error_r);
    if (s->file && read_parameters(s, family, error_r))
        return s;
    sql_close(s);
    return NULL;
}

static bool connect_to(const struct sql *s, struct sql_host *h, gint64 end, char **error_r)
{
    const gint64 now = g_get_monotonic_time();
    if (h->connection && now - h->used_at > IDLE_US)
        disconnect(s, h);
    if (!h->connection)
        h->connection = s->client->connect(s->file, h, MIN(end, now + CONNECT_US), error_r);
    h->used_at = now;
    return h->connection != NULL;
}

/* Asks over the connection there is. */
static enum sql_end ask_once(const struct sql *s, struct sql_host *h, gint64 end, struct sql_rows *rows, char **error_r)
{
    GString *sql = g_string_new(NULL);
    enum sql_end e = SQL_REFUSED;
    sql_rows_restart(rows);
    if (!sql_template_query(s->query, rows->key, s->client->quote, h->connection, sql))
        *error_r = g_strdup("the key cannot be written in the server's character set");
    else
        e = s->client->query(h->connection, sql, end, rows, error_r);
    if (e == SQL_LOST)
        disconnect(s, h);
    g_string_free(sql, TRUE);
    return e;
}

/* Asks one host; over a new connection if the one that was kept turns out to be lost. */
static enum sql_end ask_host(const struct sql *s, struct sql_host *h, gint64 end, struct sql_rows *rows, char **error_r)
{
    const bool kept = h->connection != NULL;
    enum sql_end e = connect_to(s, h, end, error_r) ? ask_once(s, h, end, rows, error_r) : SQL_LOST;
    if (e == SQL_LOST && kept && !rows->trouble && g_get_monotonic_time() < end) {
        g_clear_pointer(error_r, g_free);
        e = connect_to(s, h, end, error_r) ? ask_once(s, h, end, rows, error_r) : SQL_LOST;
    }
    h->rest_until = e == SQL_LOST && !rows->trouble ? g_get_monotonic_time() + REST_US : 0;
    return e;
}

/* The next host to ask: one with a connection before others, unix sockets before TCP, else by chance. asked marks
 * those that were. */
static struct sql_host *choose(const struct sql *s, guint64 asked)
{
    struct sql_host *best = NULL;
    int best_rank = 0;
    guint alike = 0;
    const gint64 now = g_get_monotonic_time();
    for (guint i = 0; i < s->hosts->len && i < 64; i++) {
        struct sql_host *h = s->hosts->pdata[i];
        const int rank = 1 + 2 * (h->kind == SQL_HOST_UNIX) + (h->connection != NULL);
        if ((asked >> i) & 1 || h->rest_until > now || rank < best_rank || sql_waits_by_others(h->server))
            continue;
        alike = rank > best_rank ? 1 : alike + 1;
        if (alike == 1 || g_random_int_range(0, (gint32)alike) == 0)
            best = h;
        best_rank = rank;
    }
    return best;
}

static guint64 mark(const struct sql *s, const struct sql_host *h)
{
    guint i = 0;
    g_ptr_array_find(s->hosts, h, &i);
    return (guint64)1 << i;
}

/* What a server says may quote the query, and so the key: an address has no place in a log. */
static const char *told(char *why, const char *key)
{
    const char *at = strrchr(key, '@');
    g_autofree char *local = at ? g_strndup(key, (gsize)(at - key)) : NULL;
    if (!why)
        return "its hosts did not answer a moment ago";
    if (strstr(why, key) || (local && *local && strstr(why, local)))
        return "the server refuses the query for this key";
    return g_strdelimit(g_strchomp(why), "\r\n", ' ');
}

static enum table_result ask_hosts(const struct sql *s, struct sql_rows *rows, char **error_r)
{
    const gint64 end = g_get_monotonic_time() + LOOKUP_US;
    enum sql_end e = SQL_LOST;
    guint64 asked = 0;
    g_autofree char *why = NULL;
    for (struct sql_host *h; e != SQL_DONE && !rows->trouble && (h = choose(s, asked));) {
        asked |= mark(s, h);
        g_clear_pointer(&why, g_free);
        sql_waits_begin(h->server);
        e = g_get_monotonic_time() < end ? ask_host(s, h, end, rows, &why) : SQL_LOST;
        sql_waits_end();
    }
    if (e == SQL_DONE)
        return rows->value->len ? TABLE_FOUND : TABLE_NONE;
    *error_r = g_strdup_printf("%s:%s: %s", s->type, sql_file_path(s->file),
                               rows->trouble ? rows->trouble : told(why, rows->key));
    return TABLE_TEMP;
}

enum table_result sql_ask(void *state, const char *key, unsigned flags, GString *value, char **error_r)
{
    const struct sql *s = state;
    /* Postfix has PostgreSQL refuse what is not UTF-8, and does not ask the others. */
    if (strcmp(s->type, "pgsql") && !g_utf8_validate(key, -1, NULL))
        return TABLE_NONE;
    if (s->domains) {
        const enum table_result r = sql_domains_match(s->domains, key, error_r);
        if (r != TABLE_FOUND)
            return r;
    }
    if (!sql_template_query_fits(s->query, key) || !sql_template_result_fits(s->format, key))
        return TABLE_NONE;
    struct sql_rows rows = {.key = key, .format = s->format, .limit = s->limit, .raw = flags & TABLE_RAW, .value = value};
    return ask_hosts(s, &rows, error_r);
}
