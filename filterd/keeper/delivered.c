/* The delivered-before memory, an SQLite table of digests. Called by keeper_verbs.c and keeper_process.c. */
#include "filterd/keeper/delivered.h"

#include <glib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/log.h"
#include "base/store.h"

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS copy(digest BLOB PRIMARY KEY, forget INTEGER NOT NULL)"
    " WITHOUT ROWID;";
static const struct store_schema schema = {.version = DELIVERED_VERSION, .tables = tables};
/* WAL appends each row as a whole; nothing waits for the disk. No other process opens the file. */
static const char manner[] =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    "PRAGMA secure_delete=OFF;";

/* A sweep reads all rows: there are few, and an hour too long does no harm. */
#define SWEEP_SECONDS 3600
/* More digests than the most recipients of one message. */
#define DIGESTS 10000

enum statement { IS_KNOWN, ADD, FORGET, SWEEP, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [IS_KNOWN] = "SELECT 1 FROM copy WHERE digest = ?1 AND forget > ?2",
    [ADD] = "INSERT INTO copy VALUES(?1, ?2) ON CONFLICT(digest) DO UPDATE SET forget = ?2",
    [FORGET] = "DELETE FROM copy WHERE digest = ?1",
    [SWEEP] = "DELETE FROM copy WHERE forget <= ?2 OR forget > ?2 + ?3",
};

struct delivered {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    long swept;
    bool failed; /* the last request failed, and that was logged */
};

static void close_file(struct delivered *r)
{
    for (int i = 0; i < STATEMENTS; i++)
        g_clear_pointer(&r->statements[i], sqlite3_finalize);
    g_clear_pointer(&r->db, sqlite3_close);
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

struct delivered *delivered_open(const char *state_dir, char **error_r)
{
    struct delivered *r = g_new0(struct delivered, 1);
    r->path = g_build_filename(state_dir, "retries.db", NULL);
    if (!open_somehow(r, error_r))
        delivered_free(&r);
    return r;
}

void delivered_free(struct delivered **r)
{
    if (!*r)
        return;
    close_file(*r);
    g_free((*r)->path);
    g_clear_pointer(r, g_free);
}

static int step(struct delivered *r, enum statement which, const void *digest, long time)
{
    sqlite3_stmt *st = r->statements[which];
    if (!st)
        return SQLITE_CANTOPEN;
    if (digest)
        sqlite3_bind_blob(st, 1, digest, DELIVERED_DIGEST_BYTES, SQLITE_STATIC);
    if (sqlite3_bind_parameter_count(st) >= 2)
        sqlite3_bind_int64(st, 2, time);
    if (sqlite3_bind_parameter_count(st) >= 3)
        sqlite3_bind_int64(st, 3, DELIVERED_KEPT_SECONDS);
    const int code = sqlite3_step(st);
    sqlite3_reset(st);
    return code;
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

/* Returns SQLITE_ROW or SQLITE_DONE; other codes are logged. A damaged file is made anew. */
static int run(struct delivered *r, enum statement which, const void *digest, long time)
{
    int code = step(r, which, digest, time);
    if (store_is_damaged(code)) {
        make_anew(r);
        code = step(r, which, digest, time);
    }
    const bool ok = code == SQLITE_ROW || code == SQLITE_DONE;
    if (!ok && !r->failed)
        log_warn("%s: %s; a message that is retried now may come twice", r->path,
                 sqlite3_errstr(code));
    r->failed = !ok;
    return code;
}

bool delivered_is_known(struct delivered *r, const void *digest, long now)
{
    return run(r, IS_KNOWN, digest, now) == SQLITE_ROW;
}

bool delivered_add(struct delivered *r, const void *digest, long now)
{
    return run(r, ADD, digest, now + DELIVERED_KEPT_SECONDS) == SQLITE_DONE;
}

bool delivered_forget(struct delivered *r, const void *digest)
{
    return run(r, FORGET, digest, 0) == SQLITE_DONE;
}

void delivered_tick(struct delivered *r, long now)
{
    g_autofree char *error = NULL;
    if (!r->db)
        open_somehow(r, &error);
    if (r->swept && now >= r->swept && now - r->swept < SWEEP_SECONDS)
        return;
    r->swept = now;
    run(r, SWEEP, NULL, now);
}

static bool do_all(struct delivered *r, enum delivered_deed deed, const unsigned char *digests,
                   size_t count, unsigned char *known)
{
    const long now = (long)time(NULL);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *digest = digests + i * DELIVERED_DIGEST_BYTES;
        if (deed == DELIVERED_KNOWN)
            known[i] = delivered_is_known(r, digest, now);
        else
            ok &= deed == DELIVERED_SERVED ? delivered_add(r, digest, now) : delivered_forget(r, digest);
    }
    return ok && !r->failed;
}

int delivered_handle(struct delivered *r, enum delivered_deed deed, const struct keeper_digests *wanted,
                   GBytes **known_r, char **text_r)
{
    gsize len;
    const unsigned char *digests = g_bytes_get_data(wanted->digests, &len);
    const size_t count = len / DELIVERED_DIGEST_BYTES;
    if (!count || len % DELIVERED_DIGEST_BYTES || count > DIGESTS) {
        *text_r = g_strdup_printf("digests of %d bytes are wanted, at most %d", DELIVERED_DIGEST_BYTES,
                                  DIGESTS);
        return EX_DATAERR;
    }
    unsigned char *known = g_malloc0(count);
    const int code = r && do_all(r, deed, digests, count, known) ? EX_OK : EX_UNAVAILABLE;
    if (known_r)
        *known_r = g_bytes_new_take(known, count);
    else
        g_free(known);
    return code;
}
