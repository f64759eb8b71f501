/* The memory of spent proofs, an SQLite table of digests. Called by keeper_verbs.c and keeper_process.c. */
#include "filterd/keeper/spent.h"

#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/log.h"
#include "base/store.h"

/* taker: the message that spent the proof; 0: not known. */
static const char tables[] =
    "CREATE TABLE IF NOT EXISTS proof(id INTEGER PRIMARY KEY, taker INTEGER NOT NULL, forget INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS proof_forget ON proof(forget);";
static const struct store_schema schema = {.version = SPENT_VERSION, .tables = tables};
/* WAL appends each row as a whole; nothing waits for the disk. No other process opens the file. */
static const char manner[] =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    "PRAGMA secure_delete=OFF;";

#define DAY_SECONDS 86400
/* A tick deletes this many rows and the next one goes on, so that requests do not wait for it. */
#define FORGET_ROWS "5000"
/* Some 17 million proofs: thirty a second for all the days that they are kept. */
#define MOST_BYTES (G_GINT64_CONSTANT(1024) * 1024 * 1024)
/* A tick deletes FORGET_ROWS so often until the file is small enough, and the next one goes on. */
#define OLDEST_TURNS 20
/* More digests than the most users of one message's recipients. */
#define DIGESTS 100000

enum statement { IS_SPENT, ADD, SWEEP, FORGET_OLDEST, STATEMENTS };

/* Spent proofs stay with the message that spent them first. */
static const char *const texts[STATEMENTS] = {
    [IS_SPENT] = "SELECT 1 FROM proof WHERE id = ?1 AND forget > ?3 AND (taker = 0 OR taker != ?2)",
    [ADD] = "INSERT INTO proof VALUES(?1, ?2, ?3) ON CONFLICT(id) DO NOTHING",
    [SWEEP] = "DELETE FROM proof WHERE id IN (SELECT id FROM proof WHERE forget <= ?3 LIMIT " FORGET_ROWS ")",
    [FORGET_OLDEST] = "DELETE FROM proof WHERE id IN (SELECT id FROM proof ORDER BY forget LIMIT " FORGET_ROWS ")",
};

struct spent {
    char *path;
    gint64 kept_seconds, most_bytes;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    bool failed; /* the last request failed, and that was logged */
    bool full;   /* the oldest had to go, and that was logged */
};

static void close_file(struct spent *s)
{
    for (int i = 0; i < STATEMENTS; i++)
        g_clear_pointer(&s->statements[i], sqlite3_finalize);
    store_close(&s->db);
}

/* A table of another shape counts as damage. */
static int prepare_all(struct spent *s)
{
    for (int i = 0; i < STATEMENTS; i++) {
        s->statements[i] = store_prepare(s->db, texts[i], NULL, 0);
        const int code = s->statements[i] ? SQLITE_OK : sqlite3_errcode(s->db);
        if (code != SQLITE_OK)
            return code == SQLITE_ERROR ? SQLITE_CORRUPT : code;
    }
    return SQLITE_OK;
}

/* Returns SQLite's result code. */
static int open_file(struct spent *s, char **error_r)
{
    int code = store_try(s->path, true, &schema, &s->db, error_r);
    if (code == SQLITE_OK)
        code = sqlite3_exec(s->db, manner, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = prepare_all(s);
    if (code != SQLITE_OK && !*error_r)
        *error_r = g_strdup_printf("%s: %s", s->path, sqlite3_errstr(code));
    if (code != SQLITE_OK)
        close_file(s);
    return code;
}

/* Makes a damaged file anew; after any other error it may be intact, and stays. */
static bool open_somehow(struct spent *s, char **error_r)
{
    char *why = NULL;
    int code = open_file(s, &why);
    if (store_is_damaged(code)) {
        log_warn("%s; made anew: a proof between the legs may be used twice", why);
        g_clear_pointer(&why, g_free);
        store_remove(s->path);
        code = open_file(s, &why);
    }
    *error_r = why;
    return code == SQLITE_OK;
}

struct spent *spent_open(const char *state_dir, int days, char **error_r)
{
    struct spent *s = g_new0(struct spent, 1);
    s->path = g_build_filename(state_dir, "spent.db", NULL);
    s->most_bytes = MOST_BYTES;
    s->kept_seconds = (gint64)(days + 1) * DAY_SECONDS;
    if (!open_somehow(s, error_r))
        spent_free(&s);
    return s;
}

void spent_free(struct spent **s)
{
    if (!*s)
        return;
    close_file(*s);
    g_free((*s)->path);
    g_clear_pointer(s, g_free);
}

static int step(struct spent *s, enum statement which, const unsigned char *digest, gint64 time)
{
    gint64 halves[2] = {0, 0};
    sqlite3_stmt *st = s->statements[which];
    if (!st)
        return SQLITE_CANTOPEN;
    if (digest)
        memcpy(halves, digest, SPENT_BYTES);
    sqlite3_bind_int64(st, 1, halves[0]);
    sqlite3_bind_int64(st, 2, halves[1]);
    sqlite3_bind_int64(st, 3, time);
    const int code = sqlite3_step(st);
    sqlite3_reset(st);
    return code;
}

/* Returns SQLITE_ROW or SQLITE_DONE; other codes are logged once. A damaged file is made anew. */
static int run(struct spent *s, enum statement which, const unsigned char *digest, gint64 time)
{
    int code = step(s, which, digest, time);
    if (store_is_damaged(code)) {
        g_autofree char *error = NULL;
        close_file(s);
        if (open_somehow(s, &error))
            code = step(s, which, digest, time);
    }
    const bool ok = code == SQLITE_ROW || code == SQLITE_DONE;
    if (!ok && !s->failed)
        log_warn("%s: %s; a proof between the legs may be used twice", s->path, sqlite3_errstr(code));
    s->failed = !ok;
    return code;
}

bool spent_is_by_another(struct spent *s, const unsigned char digest[SPENT_BYTES], gint64 now)
{
    return run(s, IS_SPENT, digest, now) == SQLITE_ROW;
}

bool spent_add(struct spent *s, const unsigned char digest[SPENT_BYTES], gint64 now)
{
    return run(s, ADD, digest, now + s->kept_seconds) == SQLITE_DONE;
}

void spent_bound(struct spent *s, gint64 bytes)
{
    s->most_bytes = bytes;
}

static void bound_size(struct spent *s)
{
    const bool full = s->db && store_bytes(s->db) > s->most_bytes;
    if (full && !s->full)
        log_warn("%s: it is full: the oldest proofs are forgotten, and may be used twice", s->path);
    s->full = full;
    for (int i = 0; i < OLDEST_TURNS && s->db && store_bytes(s->db) > s->most_bytes; i++)
        if (run(s, FORGET_OLDEST, NULL, 0) != SQLITE_DONE || sqlite3_changes(s->db) == 0)
            return;
}

void spent_tick(struct spent *s, gint64 now)
{
    g_autofree char *error = NULL;
    if (!s->db && !open_somehow(s, &error))
        return;
    run(s, SWEEP, NULL, now);
    bound_size(s);
}

static bool do_all(struct spent *s, const unsigned char *digests, size_t count, unsigned char *known)
{
    const gint64 now = (gint64)time(NULL);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *digest = digests + i * SPENT_BYTES;
        if (known)
            known[i] = spent_is_by_another(s, digest, now);
        else
            ok &= spent_add(s, digest, now);
    }
    return ok && !s->failed;
}

int spent_handle(struct spent *s, const struct keeper_digests *wanted, GBytes **known_r, char **text_r)
{
    gsize len;
    const unsigned char *digests = g_bytes_get_data(wanted->digests, &len);
    const size_t count = len / SPENT_BYTES;
    if (!count || len % SPENT_BYTES || count > DIGESTS) {
        *text_r = g_strdup_printf("digests of %d bytes are wanted, at most %d", SPENT_BYTES, DIGESTS);
        return EX_DATAERR;
    }
    unsigned char *known = known_r ? g_malloc0(count) : NULL;
    const int code = s && do_all(s, digests, count, known) ? EX_OK : EX_UNAVAILABLE;
    if (known_r)
        *known_r = g_bytes_new_take(known, count);
    return code;
}
