/* Records in a user's database. Called by train_request.c, replay.c, housekeeping.c and export_model.c. */
#include "filterd/keeper/record.h"

#include <glib.h>
#include <stdbool.h>

#include "base/store.h"
#include "classifier/daykey.h"
#include "classifier/buckets.h"

struct record *record_new(void)
{
    struct record *r = g_new0(struct record, 1);
    r->sealed = g_byte_array_new();
    return r;
}

void record_free(struct record **r)
{
    if (!*r)
        return;
    g_free((*r)->signature);
    g_free((*r)->day);
    g_free((*r)->class);
    g_free((*r)->taught);
    g_free((*r)->known_sender);
    g_free((*r)->counted);
    g_byte_array_unref((*r)->sealed);
    g_free(*r);
    *r = NULL;
}

static char *bound_to(const struct record *r, const char *user)
{
    return g_strconcat(user, "\n", r->signature, NULL);
}

bool record_seal(struct record *r, const char *site_key_file, const char *user,
                 const GArray *features, char **error_r)
{
    g_autofree char *bound = bound_to(r, user);
    const struct daykey key = {site_key_file, r->day, bound};
    GByteArray *packed = g_byte_array_new();
    buckets_pack(features, packed);
    const bool ok = daykey_seal(&key, packed, r->sealed, error_r);
    g_byte_array_unref(packed);
    return ok;
}

GArray *record_features(const struct record *r, const char *site_key_file, const char *user)
{
    g_autofree char *bound = bound_to(r, user);
    const struct daykey key = {site_key_file, r->day, bound};
    GByteArray *packed = daykey_open(&key, r->sealed);
    GArray *features = packed ? buckets_unpack(packed->data, packed->len) : NULL;
    if (packed)
        g_byte_array_unref(packed);
    return features;
}

static bool finish(sqlite3_stmt *st, bool bound)
{
    const bool ok = st && bound && sqlite3_step(st) == SQLITE_DONE;
    store_done(st);
    return ok;
}

bool record_add(struct model *m, const struct record *r)
{
    const char *const texts[] = {r->signature, r->day, r->class};
    sqlite3_stmt *st = store_cached(
        model_db(m),
        "INSERT INTO record(signature, day, class, score, state, sealed, taught, rules,"
        " correspondent) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        texts, 3);
    const bool bound = st && sqlite3_bind_double(st, 4, r->score) == SQLITE_OK &&
                       sqlite3_bind_int(st, 5, (int)r->state) == SQLITE_OK &&
                       sqlite3_bind_blob(st, 6, r->sealed->data, (int)r->sealed->len,
                                         SQLITE_STATIC) == SQLITE_OK &&
                       sqlite3_bind_text(st, 7, r->taught, -1, SQLITE_STATIC) == SQLITE_OK &&
                       sqlite3_bind_double(st, 8, r->rules) == SQLITE_OK &&
                       sqlite3_bind_text(st, 9, r->known_sender, -1, SQLITE_STATIC) == SQLITE_OK;
    return finish(st, bound);
}

/* Reads a step from four columns, starting with this one. */
static struct learner_step step_at(sqlite3_stmt *st, int column)
{
    return (struct learner_step){sqlite3_column_int(st, column), sqlite3_column_int(st, column + 1),
                                 sqlite3_column_int(st, column + 2),
                                 sqlite3_column_int(st, column + 3)};
}

static bool bind_step(sqlite3_stmt *st, int number, struct learner_step step)
{
    return sqlite3_bind_int(st, number, step.header) == SQLITE_OK &&
           sqlite3_bind_int(st, number + 1, step.body) == SQLITE_OK &&
           sqlite3_bind_int(st, number + 2, step.counts) == SQLITE_OK &&
           sqlite3_bind_int(st, number + 3, step.heard) == SQLITE_OK;
}

#define COLUMNS \
    "SELECT signature, day, class, score, state, taught, sealed, header, body, counts, heard," \
    " site_header, site_body, site_counts, site_heard, rules, correspondent, counted FROM record "

static struct record *from_row(sqlite3_stmt *st)
{
    struct record *r = record_new();
    r->signature = g_strdup((const char *)sqlite3_column_text(st, 0));
    r->day = g_strdup((const char *)sqlite3_column_text(st, 1));
    r->class = g_strdup((const char *)sqlite3_column_text(st, 2));
    r->score = sqlite3_column_double(st, 3);
    r->state = (enum record_state)sqlite3_column_int(st, 4);
    r->taught = g_strdup((const char *)sqlite3_column_text(st, 5));
    g_byte_array_append(r->sealed, sqlite3_column_blob(st, 6), (guint)sqlite3_column_bytes(st, 6));
    r->step = step_at(st, 7);
    r->site = step_at(st, 11);
    r->rules = sqlite3_column_double(st, 15);
    r->known_sender = g_strdup((const char *)sqlite3_column_text(st, 16));
    r->counted = g_strdup((const char *)sqlite3_column_text(st, 17));
    return r;
}

struct record *record_get(struct model *m, const char *signature)
{
    sqlite3_stmt *st = store_cached(model_db(m), COLUMNS "WHERE signature = ?", &signature, 1);
    struct record *r = st && sqlite3_step(st) == SQLITE_ROW ? from_row(st) : NULL;
    store_done(st);
    return r;
}

bool record_update(struct model *m, const struct record *r)
{
    sqlite3_stmt *st = store_cached(
        model_db(m),
        "UPDATE record SET taught = ?2, state = ?3, header = ?4, body = ?5, counts = ?6,"
        " heard = ?7, site_header = ?8, site_body = ?9, site_counts = ?10, site_heard = ?11,"
        " counted = ?12 WHERE signature = ?1",
        (const char *const[]){r->signature}, 1);
    const bool bound = st &&
                       sqlite3_bind_text(st, 2, r->taught, -1, SQLITE_STATIC) == SQLITE_OK &&
                       sqlite3_bind_int(st, 3, (int)r->state) == SQLITE_OK &&
                       bind_step(st, 4, r->step) && bind_step(st, 8, r->site) &&
                       sqlite3_bind_text(st, 12, r->counted, -1, SQLITE_STATIC) == SQLITE_OK;
    return finish(st, bound);
}

/* The signatures that a query with one text parameter finds; NULL if it failed before the end. */
static GPtrArray *signatures_of(struct model *m, const char *sql, const char *text)
{
    GPtrArray *signatures = g_ptr_array_new_with_free_func(g_free);
    sqlite3_stmt *st = store_prepare(model_db(m), sql, &text, 1);
    int step = SQLITE_ERROR;
    while (st && (step = sqlite3_step(st)) == SQLITE_ROW)
        g_ptr_array_add(signatures, g_strdup((const char *)sqlite3_column_text(st, 0)));
    sqlite3_finalize(st);
    if (step != SQLITE_DONE)
        g_clear_pointer(&signatures, g_ptr_array_unref);
    return signatures;
}

GPtrArray *record_unlearnt(struct model *m, const char *day)
{
    return signatures_of(m,
                         "SELECT signature FROM record WHERE day <= ? AND state = 1"
                         " AND taught IS NULL ORDER BY day, signature",
                         day);
}

GPtrArray *record_samples(struct model *m, const char *taught)
{
    return signatures_of(m, "SELECT signature FROM record WHERE state = 2 AND taught = ?", taught);
}

static void free_record(gpointer data)
{
    struct record *r = data;
    record_free(&r);
}

GPtrArray *record_get_samples(struct model *m, const char *taught, guint from, guint count)
{
    GPtrArray *records = g_ptr_array_new_with_free_func(free_record);
    sqlite3_stmt *st = store_prepare(
        model_db(m), COLUMNS "WHERE state = 2 AND taught = ? ORDER BY signature LIMIT ?3 OFFSET ?2",
        &taught, 1);
    bool ok = st && sqlite3_bind_int64(st, 2, from) == SQLITE_OK &&
              sqlite3_bind_int64(st, 3, count) == SQLITE_OK;
    int step = SQLITE_ERROR;
    while (ok && (step = sqlite3_step(st)) == SQLITE_ROW)
        g_ptr_array_add(records, from_row(st));
    sqlite3_finalize(st);
    if (step != SQLITE_DONE)
        g_clear_pointer(&records, g_ptr_array_unref);
    return records;
}

char *record_of_content(struct model *m, const char *digest)
{
    sqlite3_stmt *st = store_cached(model_db(m), "SELECT signature FROM content WHERE digest = ?", &digest, 1);
    char *signature = st && sqlite3_step(st) == SQLITE_ROW
                          ? g_strdup((const char *)sqlite3_column_text(st, 0)) : NULL;
    store_done(st);
    return signature;
}

bool record_note_content(struct model *m, const char *digest, const struct record *r)
{
    const char *const texts[] = {digest, r->signature, r->day};
    return store_run(model_db(m), "INSERT OR REPLACE INTO content(digest, signature, day) VALUES(?1, ?2, ?3)",
                     texts, 3);
}

bool record_remove(struct model *m, const char *signature)
{
    return store_run(model_db(m), "DELETE FROM record WHERE signature = ?", &signature, 1);
}

bool record_forget_before(struct model *m, const char *records_day, const char *journal_day)
{
    return store_run(model_db(m), "DELETE FROM record WHERE day < ?", &records_day, 1) &&
           store_run(model_db(m), "DELETE FROM content WHERE day < ?", &records_day, 1) &&
           store_run(model_db(m), "DELETE FROM journal WHERE day < ?"
                     " AND id <= coalesce((SELECT applied FROM learnt), 0)"
                     /* Keep the last correction, however old: settling depends on it. */
                     " AND id <> coalesce((SELECT max(id) FROM journal WHERE kind = 'move'), 0)",
                     &journal_day, 1);
}
