/* The delivered-before memory, an SQLite table of digests. Called by keeper_verbs.c and keeper_process.c. */
#include "filterd/keeper/delivered.h"

#include <glib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/store.h"

/* pid: the process whose attempt is open; 0: it has failed. */
static const char tables[] =
    "CREATE TABLE IF NOT EXISTS delivered(attempt BLOB NOT NULL, digest BLOB NOT NULL, origins BLOB NOT NULL,"
    " pid INTEGER NOT NULL, forget INTEGER NOT NULL, PRIMARY KEY(attempt, digest)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS delivered_digest ON delivered(digest);";

/* Nobody knows where the copies of version 1 came from. */
static int upgrade(sqlite3 *db, int from)
{
    return from < 2 ? sqlite3_exec(db, "DROP TABLE IF EXISTS copy", NULL, NULL, NULL) : SQLITE_OK;
}

static const struct store_schema schema = {.version = DELIVERED_VERSION, .tables = tables, .upgrade = upgrade};
/* WAL appends each row as a whole; nothing waits for the disk. No other process opens the file. */
static const char manner[] =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    "PRAGMA secure_delete=OFF;";

/* A sweep reads all rows: there are few, and an hour too long does no harm. */
#define SWEEP_SECONDS 3600
/* More digests than the most recipients of one message. */
#define DIGESTS 10000

/* Some two million copies: there are so many only if somebody invents them. */
#define MOST_BYTES (256 * 1024 * 1024)

enum statement { IS_OURS, FIND, CLAIM, ADD, FAIL, REOPEN, FORGET, SWEEP, LEFT_OPEN, STATEMENTS };

/* ?1 attempt, ?2 digest, ?3 pid, ?4 time, ?5 origins, ?6 the attempt that had the copy before. */
static const char *const texts[STATEMENTS] = {
    [IS_OURS] = "SELECT 1 FROM delivered WHERE attempt = ?1 AND digest = ?2",
    [FIND] = "SELECT attempt, origins FROM delivered WHERE digest = ?2 AND pid = 0 AND forget > ?4",
    [CLAIM] = "UPDATE delivered SET attempt = ?1, pid = ?3 WHERE attempt = ?6 AND digest = ?2",
    [ADD] = "INSERT INTO delivered VALUES(?1, ?2, ?5, ?3, ?4) ON CONFLICT DO UPDATE SET pid = ?3",
    [FAIL] = "UPDATE delivered SET pid = 0 WHERE attempt = ?1",
    [REOPEN] = "UPDATE delivered SET pid = ?3 WHERE attempt = ?1",
    [FORGET] = "DELETE FROM delivered WHERE attempt = ?1",
    [SWEEP] = "DELETE FROM delivered WHERE forget <= ?4 OR forget > ?4 + ?7",
    [LEFT_OPEN] = "SELECT attempt, pid FROM delivered WHERE pid <> 0 GROUP BY attempt",
};

struct delivered {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct delivered_attempts *open;
    int connection;              /* whose request is handled; -1: none */
    long swept;
    bool failed; /* the last request failed, and that was logged */
    bool full;   /* it was too large when looked at last */
    gint64 most_bytes;
};

/* What a statement binds, and what FIND finds. */
struct row {
    const void *attempt, *digest;
    const void *origins;
    size_t origin_count;
    long time;
    int pid;
    unsigned char from[DELIVERED_ATTEMPT_BYTES];
};

/* ---- the file ---- */

static void close_file(struct delivered *r)
{
    for (int i = 0; i < STATEMENTS; i++)
        g_clear_pointer(&r->statements[i], sqlite3_finalize);
    store_close(&r->db);
}

static int look_over(struct delivered *r)
{
    sqlite3_stmt *st = store_prepare(r->db, "PRAGMA quick_check(1)", NULL, 0);
    int code = st ? sqlite3_step(st) : sqlite3_errcode(r->db);
    if (code == SQLITE_ROW)
        code = g_strcmp0((const char *)sqlite3_column_text(st, 0), "ok") ? SQLITE_CORRUPT : SQLITE_OK;
    sqlite3_finalize(st);
    return code;
}

/* A table of another shape, which an unversioned file may have, is treated as damage. */
static int prepare_all(struct delivered *r)
{
    for (int i = 0; i < STATEMENTS; i++) {
        r->statements[i] = store_prepare(r->db, texts[i], NULL, 0);
        const int code = r->statements[i] ? SQLITE_OK : sqlite3_errcode(r->db);
        if (code != SQLITE_OK)
            return code == SQLITE_ERROR ? SQLITE_CORRUPT : code;
    }
    return SQLITE_OK;
}

/* Returns SQLite's result code. */
static int open_file(struct delivered *r, char **error_r)
{
    int code = store_try(r->path, true, &schema, &r->db, error_r);
    if (code == SQLITE_OK)
        code = sqlite3_exec(r->db, manner, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = look_over(r);
    if (code == SQLITE_OK)
        code = prepare_all(r);
    if (code != SQLITE_OK && !*error_r)
        *error_r = g_strdup_printf("%s: %s", r->path, sqlite3_errstr(code));
    if (code != SQLITE_OK)
        close_file(r);
    return code;
}

/* Opens the file; makes it anew if it is damaged. After any other error it may be intact, and stays. */
static bool open_somehow(struct delivered *r, char **error_r)
{
    char *why = NULL;
    int code = open_file(r, &why);
    if (store_is_damaged(code)) {
        log_warn("%s; made anew: a message that is being retried may come twice", why);
        g_clear_pointer(&why, g_free);
        store_remove(r->path);
        code = open_file(r, &why);
    }
    *error_r = why;
    return code == SQLITE_OK;
}

static void make_anew(struct delivered *r)
{
    g_autofree char *error = NULL;
    close_file(r);
    store_remove(r->path);
    if (!r->failed)
        log_warn("%s: it is damaged; made anew", r->path);
    open_file(r, &error);
}

/* ---- one statement ---- */

static void bind(sqlite3_stmt *st, const struct row *row)
{
    const void *const attempts[] = {[1] = row->attempt, [6] = row->from};
    const int wanted = sqlite3_bind_parameter_count(st);
    for (int i = 1; i <= wanted; i++) {
        if (i == 1 || i == 6)
            sqlite3_bind_blob(st, i, attempts[i], DELIVERED_ATTEMPT_BYTES, SQLITE_STATIC);
        else if (i == 2)
            sqlite3_bind_blob(st, i, row->digest, DELIVERED_DIGEST_BYTES, SQLITE_STATIC);
        else if (i == 5)
            sqlite3_bind_blob(st, i, row->origins, (int)(row->origin_count * DELIVERED_ORIGIN_BYTES),
                              SQLITE_STATIC);
        else
            sqlite3_bind_int64(st, i, i == 3 ? row->pid : i == 4 ? row->time : DELIVERED_KEPT_SECONDS);
    }
}

/* True if the row that FIND stands on shares an origin with the attempt. */
static bool has_our_origin(sqlite3_stmt *st, struct row *row)
{
    const unsigned char *theirs = sqlite3_column_blob(st, 1), *ours = row->origins;
    const size_t count = theirs ? (size_t)sqlite3_column_bytes(st, 1) / DELIVERED_ORIGIN_BYTES : 0;
    const void *from = sqlite3_column_blob(st, 0);
    if (!from || sqlite3_column_bytes(st, 0) != DELIVERED_ATTEMPT_BYTES)
        return false;
    memcpy(row->from, from, DELIVERED_ATTEMPT_BYTES);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < row->origin_count; j++)
            if (memcmp(theirs + i * DELIVERED_ORIGIN_BYTES, ours + j * DELIVERED_ORIGIN_BYTES,
                       DELIVERED_ORIGIN_BYTES) == 0)
                return true;
    return false;
}

static int step(struct delivered *r, enum statement which, struct row *row)
{
    sqlite3_stmt *st = r->statements[which];
    if (!st)
        return SQLITE_CANTOPEN;
    bind(st, row);
    int code = sqlite3_step(st);
    while (which == FIND && code == SQLITE_ROW && !has_our_origin(st, row))
        code = sqlite3_step(st);
    sqlite3_reset(st);
    return code;
}

/* Returns SQLITE_ROW or SQLITE_DONE; other codes are logged. A damaged file is made anew. */
static int run(struct delivered *r, enum statement which, struct row *row)
{
    int code = step(r, which, row);
    if (store_is_damaged(code)) {
        make_anew(r);
        code = step(r, which, row);
    }
    const bool ok = code == SQLITE_ROW || code == SQLITE_DONE;
    if (!ok && !r->failed)
        log_warn("%s: %s; a message that is retried now may come twice", r->path,
                 sqlite3_errstr(code));
    r->failed = !ok;
    return code;
}

/* ---- attempts that are open ---- */

static void fail(const unsigned char *attempt, void *arg)
{
    run(arg, FAIL, &(struct row){.attempt = attempt});
}

/* An earlier keeper was killed while these were open: they are as long as their processes live. */
static void take_over_open(struct delivered *r, long now)
{
    sqlite3_stmt *st = r->statements[LEFT_OPEN];
    while (sqlite3_step(st) == SQLITE_ROW)
        if (sqlite3_column_bytes(st, 0) == DELIVERED_ATTEMPT_BYTES)
            delivered_attempts_take_over(r->open, sqlite3_column_blob(st, 0), sqlite3_column_int(st, 1), now);
    sqlite3_reset(st);
    delivered_attempts_look(r->open, now);
}

struct delivered *delivered_open(const char *state_dir, char **error_r)
{
    struct delivered *r = g_new0(struct delivered, 1);
    r->path = g_build_filename(state_dir, "retries.db", NULL);
    r->open = delivered_attempts_new(fail, r);
    r->connection = -1;
    r->most_bytes = MOST_BYTES;
    if (open_somehow(r, error_r))
        take_over_open(r, (long)time(NULL));
    else
        delivered_free(&r);
    return r;
}

void delivered_free(struct delivered **r)
{
    if (!*r)
        return;
    close_file(*r);
    delivered_attempts_free(&(*r)->open);
    g_free((*r)->path);
    g_clear_pointer(r, g_free);
}

void delivered_turn_to(struct delivered *r, int connection)
{
    if (r)
        r->connection = connection;
}

void delivered_hang_up(struct delivered *r, int connection)
{
    if (r)
        delivered_attempts_hang_up(r->open, connection);
}

/* ---- requests ---- */

/* True if an earlier attempt delivered the copy; it belongs to this one then. */
static bool claim(struct delivered *r, struct row *row)
{
    if (run(r, IS_OURS, row) == SQLITE_ROW) /* named twice, or asked twice as the answer was lost */
        return true;
    return run(r, FIND, row) == SQLITE_ROW && run(r, CLAIM, row) == SQLITE_DONE;
}

static bool serve_copies(struct delivered *r, enum delivered_deed deed, struct row *row, GBytes *copies,
                         unsigned char *known)
{
    gsize len;
    const unsigned char *digests = g_bytes_get_data(copies, &len);
    bool ok = true;
    row->time = (long)time(NULL) + (deed == DELIVERED_KNOWN ? 0 : DELIVERED_KEPT_SECONDS);
    for (size_t i = 0; i < len / DELIVERED_DIGEST_BYTES; i++) {
        row->digest = digests + i * DELIVERED_DIGEST_BYTES;
        if (deed == DELIVERED_KNOWN)
            known[i] = claim(r, row);
        else
            ok &= !r->full && run(r, ADD, row) == SQLITE_DONE;
    }
    return ok && !r->failed;
}

/* The attempt goes on: it is open on this connection. */
static void begin(struct delivered *r, enum delivered_deed deed, struct row *row)
{
    delivered_attempts_look(r->open, (long)time(NULL));
    row->pid = delivered_attempts_peer(r->connection);
    if (delivered_attempts_begin(r->open, row->attempt, r->connection) && deed == DELIVERED_SERVED)
        run(r, REOPEN, row); /* it was begun over a connection that is gone */
}

static bool carry_out(struct delivered *r, enum delivered_deed deed, const struct keeper_delivered *wanted,
                      unsigned char *known)
{
    gsize origins = 0;
    struct row row = {.attempt = g_bytes_get_data(wanted->attempt, NULL)};
    if (deed == DELIVERED_FORGET) {
        delivered_attempts_end(r->open, row.attempt);
        return run(r, FORGET, &row) == SQLITE_DONE;
    }
    row.origins = g_bytes_get_data(wanted->origins, &origins);
    row.origin_count = origins / DELIVERED_ORIGIN_BYTES;
    if (deed == DELIVERED_FAILED) {
        delivered_attempts_end(r->open, row.attempt);
        run(r, FAIL, &row);
    } else {
        begin(r, deed, &row);
    }
    return serve_copies(r, deed, &row, wanted->copies, known);
}

/* True if it is 1 to most pieces of so many bytes. */
static bool is_list(GBytes *bytes, size_t each, size_t most)
{
    const size_t len = bytes ? g_bytes_get_size(bytes) : 0;
    return len > 0 && len % each == 0 && len / each <= most;
}

int delivered_handle(struct delivered *r, enum delivered_deed deed, const struct keeper_delivered *wanted,
                   GBytes **known_r, char **text_r)
{
    if (!is_list(wanted->attempt, DELIVERED_ATTEMPT_BYTES, 1) ||
        (deed != DELIVERED_FORGET && (!is_list(wanted->copies, DELIVERED_DIGEST_BYTES, DIGESTS) ||
                                      !is_list(wanted->origins, DELIVERED_ORIGIN_BYTES, DELIVERED_ORIGINS)))) {
        *text_r = g_strdup_printf("an attempt of %d bytes, at most %d digests and %d origins of as many are wanted",
                                  DELIVERED_ATTEMPT_BYTES, DIGESTS, DELIVERED_ORIGINS);
        return EX_DATAERR;
    }
    const size_t count = deed == DELIVERED_FORGET ? 0 : g_bytes_get_size(wanted->copies) / DELIVERED_DIGEST_BYTES;
    unsigned char *known = g_malloc0(count + 1);
    const int code = r && carry_out(r, deed, wanted, known) ? EX_OK : EX_UNAVAILABLE;
    if (known_r)
        *known_r = g_bytes_new_take(known, count);
    else
        g_free(known);
    return code;
}

void delivered_bound(struct delivered *r, gint64 bytes)
{
    r->most_bytes = bytes;
}

static void look_at_size(struct delivered *r)
{
    const bool full = r->db && store_bytes(r->db) > r->most_bytes;
    if (full && !r->full)
        log_warn("%s: it is full; a message that is retried now may come twice", r->path);
    r->full = full;
}

void delivered_tick(struct delivered *r, long now)
{
    g_autofree char *error = NULL;
    if (!r->db && open_somehow(r, &error))
        take_over_open(r, now);
    delivered_attempts_look(r->open, now);
    look_at_size(r);
    if (r->swept && now >= r->swept && now - r->swept < SWEEP_SECONDS)
        return;
    r->swept = now;
    run(r, SWEEP, &(struct row){.time = now});
}
