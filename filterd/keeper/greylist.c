/* The greylist, an SQLite store of triplets and clients. Called by greylisting.c and keeper_process.c. */
#include "filterd/keeper/greylist.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

#include "base/log.h"
#include "base/sitekey.h"
#include "base/store.h"

/* came: when first seen; passes: for a triplet 0 while it waits, for a client how often it was counted; forget:
 * when the row expires. id is a digest made with the site key. */
static const char tables[] =
    "CREATE TABLE IF NOT EXISTS triplet(id INTEGER PRIMARY KEY, came INTEGER NOT NULL,"
    " passes INTEGER NOT NULL, forget INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS triplet_forget ON triplet(forget);"
    "CREATE TABLE IF NOT EXISTS client(id INTEGER PRIMARY KEY, came INTEGER NOT NULL,"
    " passes INTEGER NOT NULL, forget INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS client_forget ON client(forget);";
static const struct store_schema schema = {.version = GREYLIST_VERSION, .tables = tables};

#define COUNT_EVERY_SECONDS 3600
/* A known row is written at most this often, not at each visit. */
#define TOUCH_SECONDS 86400
/* A tick deletes this many rows and the next one goes on, so that requests do not wait for it. */
#define FORGET_ROWS "5000"

enum statement { GET_TRIPLET, GET_CLIENT, PUT_TRIPLET, PUT_CLIENT, FORGET_TRIPLETS, FORGET_CLIENTS,
                 COUNT_TRIPLETS, STATEMENTS };

#define PUT "(id, came, passes, forget) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(id) DO UPDATE SET" \
            " came = ?2, passes = ?3, forget = ?4"
static const char *const texts[STATEMENTS] = {
    [GET_TRIPLET] = "SELECT came, passes, forget FROM triplet WHERE id = ?1",
    [GET_CLIENT] = "SELECT came, passes, forget FROM client WHERE id = ?1",
    [PUT_TRIPLET] = "INSERT INTO triplet" PUT,
    [PUT_CLIENT] = "INSERT INTO client" PUT,
    [FORGET_TRIPLETS] = "DELETE FROM triplet WHERE id IN"
                        " (SELECT id FROM triplet WHERE forget < ?1 LIMIT " FORGET_ROWS ")",
    [FORGET_CLIENTS] = "DELETE FROM client WHERE id IN"
                       " (SELECT id FROM client WHERE forget < ?1 LIMIT " FORGET_ROWS ")",
    [COUNT_TRIPLETS] = "SELECT count(*) FROM triplet",
};

struct greylist {
    char *path;
    sqlite3 *db; /* NULL: the file could be neither opened nor made anew */
    sqlite3_stmt *statements[STATEMENTS];
    unsigned char secret[16];
    int wait;
    gint64 rows; /* approximate number of triplets */
    bool failed; /* the last request failed, and that was logged */
};

struct row {
    gint64 id, came, passes, forget;
    bool found;
};

static bool count_rows(struct greylist *g)
{
    sqlite3_stmt *st = g->statements[COUNT_TRIPLETS];
    bool ok = sqlite3_step(st) == SQLITE_ROW;
    if (ok)
        g->rows = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return ok;
}

static void close_file(struct greylist *g)
{
    for (int i = 0; i < STATEMENTS; i++)
        g_clear_pointer(&g->statements[i], sqlite3_finalize);
    g_clear_pointer(&g->db, sqlite3_close);
}

/* Returns SQLite's result code. */
static int open_file(struct greylist *g, char **error_r)
{
    int code = store_try(g->path, true, &schema, &g->db, error_r);
    for (int i = 0; code == SQLITE_OK && i < STATEMENTS; i++) {
        g->statements[i] = store_prepare(g->db, texts[i], NULL, 0);
        code = g->statements[i] ? SQLITE_OK : sqlite3_errcode(g->db);
    }
    if (code == SQLITE_OK && !count_rows(g))
        code = sqlite3_errcode(g->db);
    if (code != SQLITE_OK && !*error_r)
        *error_r = g_strdup_printf("%s: %s", g->path, sqlite3_errmsg(g->db));
    if (code != SQLITE_OK)
        close_file(g);
    return code;
}

/* Starts with an empty file: clients that were known have to wait again. */
static bool make_anew(struct greylist *g, const char *why, char **error_r)
{
    log_warn("greylist.db: %s; made anew", why);
    store_remove(g->path);
    return open_file(g, error_r) == SQLITE_OK;
}

static bool open_somehow(struct greylist *g, char **error_r)
{
    g_autofree char *why = NULL;
    const int code = open_file(g, &why);
    const bool ok = store_is_damaged(code) ? make_anew(g, why, error_r) : code == SQLITE_OK;
    if (!ok && !*error_r)
        *error_r = g_steal_pointer(&why);
    return ok;
}

struct greylist *greylist_open(const char *state_dir, const struct sitekey *key, char **error_r)
{
    struct greylist *g = g_new0(struct greylist, 1);
    *error_r = NULL;
    g->path = g_build_filename(state_dir, "greylist.db", NULL);
    g->wait = GREYLIST_WAIT_SECONDS;
    sitekey_derive(key, "greylist", "triplets", g->secret);
    if (!open_somehow(g, error_r))
        greylist_free(&g);
    return g;
}

void greylist_free(struct greylist **g)
{
    if (!*g)
        return;
    close_file(*g);
    explicit_bzero((*g)->secret, sizeof (*g)->secret);
    g_free((*g)->path);
    g_clear_pointer(g, g_free);
}

void greylist_set_wait(struct greylist *g, int seconds)
{
    g->wait = seconds;
}

/* Appends "4" and three bytes (also for a mapped IPv4 address), "6" and eight, or "?" and text that is no
 * address. */
static void add_network(GString *out, const char *address)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char a[16];
    if (inet_pton(AF_INET, address, a) == 1)
        g_string_append_len(g_string_append_c(out, '4'), (char *)a, 3);
    else if (inet_pton(AF_INET6, address, a) != 1)
        g_string_append(g_string_append_c(out, '?'), address);
    else if (memcmp(a, mapped, sizeof mapped) == 0)
        g_string_append_len(g_string_append_c(out, '4'), (char *)a + 12, 3);
    else
        g_string_append_len(g_string_append_c(out, '6'), (char *)a, 8);
}

static void add_lower(GString *out, const char *text)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);
    g_string_append(out, lower);
}

static gint64 digest(const struct greylist *g, const GString *text)
{
    guint64 d = siphash(g->secret, text->str, text->len);
    return (gint64)d;
}

static GString *client_text(const struct greylist_triplet *t)
{
    GString *out = g_string_new(NULL);
    if (t->proved_domain)
        add_lower(g_string_append_c(out, 'd'), t->proved_domain);
    else
        add_network(out, t->address);
    return out;
}

/* Mailing lists put a number or the recipient into the sender of each message: leave digits and the extension
 * out. */
static void add_sender(GString *out, const char *sender)
{
    const char *at = strrchr(sender, '@');
    const size_t local = at ? (size_t)(at - sender) : strlen(sender);
    const char *plus = memchr(sender, '+', local);
    const size_t kept = plus && plus > sender ? (size_t)(plus - sender) : local;
    for (size_t i = 0; i < kept; i++) {
        const bool digit = g_ascii_isdigit(sender[i]);
        if (!digit || i == 0 || !g_ascii_isdigit(sender[i - 1]))
            g_string_append_c(out, digit ? '#' : g_ascii_tolower(sender[i]));
    }
    add_lower(out, at ? at : "");
}

static void name(const struct greylist *g, const struct greylist_triplet *t, struct row *triplet,
                 struct row *client)
{
    GString *text = client_text(t);
    client->id = digest(g, text);
    g_string_append_c(text, '\0');
    add_sender(text, t->sender);
    g_string_append_c(text, '\0');
    add_lower(text, t->recipient);
    triplet->id = digest(g, text);
    explicit_bzero(text->str, text->len);
    g_string_free(text, TRUE);
}

/* Treats an expired row as missing. */
static bool get_row(struct greylist *g, enum statement which, long now, struct row *r)
{
    sqlite3_stmt *st = g->statements[which];
    sqlite3_bind_int64(st, 1, r->id);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        r->came = sqlite3_column_int64(st, 0);
        r->passes = sqlite3_column_int64(st, 1);
        r->forget = sqlite3_column_int64(st, 2);
        r->found = r->forget >= now;
    }
    sqlite3_reset(st);
    if (!r->found)
        r->passes = 0;
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

static bool put_row(struct greylist *g, enum statement which, const struct row *r)
{
    sqlite3_stmt *st = g->statements[which];
    sqlite3_bind_int64(st, 1, r->id);
    sqlite3_bind_int64(st, 2, r->came);
    sqlite3_bind_int64(st, 3, r->passes);
    sqlite3_bind_int64(st, 4, r->forget);
    int rc = sqlite3_step(st);
    sqlite3_reset(st);
    return rc == SQLITE_DONE;
}

/* Extends the time for which a triplet or client that passed is known. */
static bool touch(struct greylist *g, enum statement which, struct row *r, long now)
{
    if (r->forget - now > GREYLIST_KNOWN_SECONDS - TOUCH_SECONDS)
        return true;
    r->forget = now + GREYLIST_KNOWN_SECONDS;
    return put_row(g, which, r);
}

/* Counts the first pass of a triplet for its client, at most once an hour: a burst proves no more than one. */
static bool count_client(struct greylist *g, struct row *client, long now)
{
    if (client->passes && now - client->came < COUNT_EVERY_SECONDS)
        return true;
    client->passes++;
    client->came = now;
    client->forget = now + GREYLIST_KNOWN_SECONDS;
    return put_row(g, PUT_CLIENT, client);
}

static bool begin(struct greylist *g, struct row *triplet, long now)
{
    triplet->came = now;
    triplet->passes = 0;
    triplet->forget = now + GREYLIST_RETRY_SECONDS;
    if (!triplet->found)
        g->rows++;
    return put_row(g, PUT_TRIPLET, triplet);
}

/* False: the store failed. *wait_r: seconds, 0: the client passes. */
static bool ask_store(struct greylist *g, const struct greylist_triplet *t, long now, int *wait_r)
{
    struct row triplet = {0}, client = {0};
    name(g, t, &triplet, &client);
    *wait_r = 0;
    if (!get_row(g, GET_CLIENT, now, &client) || !get_row(g, GET_TRIPLET, now, &triplet))
        return false;
    if (client.passes >= GREYLIST_CLIENT_PASSES)
        return touch(g, PUT_CLIENT, &client, now);
    if (triplet.passes)
        return touch(g, PUT_TRIPLET, &triplet, now);
    /* If the clock was set back, start the wait again, so that nobody waits for years. */
    if (!triplet.found || triplet.came > now) {
        *wait_r = triplet.found || g->rows < GREYLIST_ROWS ? g->wait : 0;
        return !*wait_r || begin(g, &triplet, now);
    }
    if (now - triplet.came < g->wait) {
        *wait_r = g->wait - (int)(now - triplet.came);
        return true;
    }
    triplet.passes = 1;
    triplet.forget = now + GREYLIST_KNOWN_SECONDS;
    return put_row(g, PUT_TRIPLET, &triplet) && count_client(g, &client, now);
}

/* The file was found damaged during a request: make it anew and ask again. */
static bool ask_anew(struct greylist *g, const struct greylist_triplet *t, long now, int *wait_r)
{
    g_autofree char *error = NULL;
    close_file(g);
    const bool ok = make_anew(g, "it is damaged", &error) && ask_store(g, t, now, wait_r);
    return ok;
}

enum greylist_answer greylist_ask(struct greylist *g, const struct greylist_triplet *t, long now,
                                  int *wait_r)
{
    bool ok = g->db && ask_store(g, t, now, wait_r);
    if (!ok && g->db && store_is_damaged(sqlite3_errcode(g->db)))
        ok = ask_anew(g, t, now, wait_r);
    if (!ok && !g->failed)
        log_warn("greylist.db: %s; nobody is asked to wait meanwhile",
                 g->db ? sqlite3_errmsg(g->db) : "cannot be opened");
    g->failed = !ok;
    if (!ok)
        *wait_r = 0;
    return *wait_r ? GREYLIST_WAIT : GREYLIST_PASS;
}

void greylist_tick(struct greylist *g, long now)
{
    g_autofree char *error = NULL;
    if (!g->db)
        open_somehow(g, &error);
    if (!g->db)
        return;
    for (enum statement which = FORGET_TRIPLETS; which <= FORGET_CLIENTS; which++) {
        sqlite3_stmt *st = g->statements[which];
        sqlite3_bind_int64(st, 1, now);
        sqlite3_step(st);
        sqlite3_reset(st);
    }
    count_rows(g);
}
