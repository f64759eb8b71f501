/* Stores learners: checkpoint, journal, ageing. Called by classifier.c to read, by the keeper to learn, by
 * filterctl explain. */
#include "classifier/model_learner.h"

#include <string.h>

#include "base/store.h"
#include "classifier/daykey.h"
#include "classifier/model_state.h"
#include "classifier/buckets.h"

/* A period is longer than a record can live, and does not end while its user learns nothing. */
enum { PERIOD_DAYS = 120, PERIOD_LEARNT = 500 };

/* The BLOBs are little-endian on every machine. */
static void put16(unsigned char *to, guint16 value)
{
    to[0] = (unsigned char)(value & 0xff);
    to[1] = (unsigned char)(value >> 8);
}

static guint16 get16(const unsigned char *from)
{
    return (guint16)(from[0] | from[1] << 8);
}

static bool read_blobs(sqlite3_stmt *st, struct learner *l)
{
    const unsigned char *weights = sqlite3_column_blob(st, 5), *counts = sqlite3_column_blob(st, 6),
                        *touched = sqlite3_column_blob(st, 7);
    if ((size_t)sqlite3_column_bytes(st, 5) != sizeof l->weights ||
        (size_t)sqlite3_column_bytes(st, 6) != sizeof l->counts ||
        (size_t)sqlite3_column_bytes(st, 7) != sizeof l->touched)
        return false;
    for (size_t i = 0; i < LEARNER_BUCKETS; i++) {
        l->weights[i] = (gint16)get16(weights + 2 * i);
        l->counts[i].spam = get16(counts + 4 * i);
        l->counts[i].ham = get16(counts + 4 * i + 2);
    }
    memcpy(l->touched, touched, sizeof l->touched);
    return true;
}

static bool read_checkpoint(struct model *m, struct learner *l)
{
    sqlite3_stmt *st = store_prepare(m->db,
                                     "SELECT applied, spam, ham, counted_spam, counted_ham,"
                                     " weights, counts, touched FROM learnt, checkpoint",
                                     NULL, 0);
    const int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
    bool ok = rc == SQLITE_DONE;
    m->applied = 0;
    if (rc == SQLITE_ROW) {
        m->applied = sqlite3_column_int64(st, 0);
        l->spam = (guint32)sqlite3_column_int64(st, 1);
        l->ham = (guint32)sqlite3_column_int64(st, 2);
        l->counted_spam = (guint32)sqlite3_column_int64(st, 3);
        l->counted_ham = (guint32)sqlite3_column_int64(st, 4);
        ok = read_blobs(st, l);
    }
    sqlite3_finalize(st);
    return ok;
}

static bool apply_row(struct learner *l, sqlite3_stmt *st)
{
    GArray *buckets = buckets_unpack(sqlite3_column_blob(st, 6), (size_t)sqlite3_column_bytes(st, 6));
    bool ok = buckets != NULL;
    for (guint i = 0; ok && i < buckets->len; i++)
        ok = g_array_index(buckets, guint32, i) < 2 * LEARNER_BUCKETS;
    if (ok)
        learner_apply(l, buckets, sqlite3_column_int(st, 1) != 0,
                      (struct learner_step){sqlite3_column_int(st, 2), sqlite3_column_int(st, 3),
                                            sqlite3_column_int(st, 4), sqlite3_column_int(st, 5)});
    if (buckets)
        g_array_unref(buckets);
    return ok;
}

static bool apply_journal(struct model *m, struct learner *l)
{
    g_autofree char *after = g_strdup_printf("%" G_GINT64_FORMAT, m->applied);
    sqlite3_stmt *st = store_cached(m->db,
                                    "SELECT id, spam, header, body, counts, heard, places FROM journal"
                                    " WHERE id > CAST(? AS INTEGER) ORDER BY id",
                                    (const char *const[]){after}, 1);
    int rc = SQLITE_ERROR;
    while (st && (rc = sqlite3_step(st)) == SQLITE_ROW && apply_row(l, st))
        m->applied = sqlite3_column_int64(st, 0);
    store_done(st);
    return rc == SQLITE_DONE;
}

/* Brings the learner in memory up to date. Call it inside a transaction, so that checkpoint and journal match. */
static bool refresh(struct model *m)
{
    const gint64 checkpoint = model_number(m, "SELECT applied FROM learnt", NULL, 0);
    if (!m->learner || checkpoint > m->applied) {
        g_free(m->learner);
        m->learner = g_new0(struct learner, 1);
        if (!read_checkpoint(m, m->learner))
            return false;
    }
    return apply_journal(m, m->learner);
}

struct learner *model_learner(struct model *m)
{
    const gint64 version = model_number(m, "PRAGMA data_version", NULL, -1);
    if (m->learner && version == m->version && version >= 0)
        return m->learner;
    const bool alone = sqlite3_get_autocommit(m->db) != 0;
    bool ok = !alone || store_run(m->db, "BEGIN", NULL, 0);
    ok = ok && refresh(m);
    if (alone && !sqlite3_get_autocommit(m->db))
        store_run(m->db, "COMMIT", NULL, 0);
    if (!ok)
        g_clear_pointer(&m->learner, g_free);
    /* The version from before the reading: a write in between causes another refresh. */
    m->version = version;
    return m->learner;
}

bool model_learner_note(struct model *m, const struct model_lesson *lesson, const GArray *buckets)
{
    g_autofree char *day = daykey_day(0);
    GByteArray *packed = g_byte_array_new();
    if (buckets)
        buckets_pack(buckets, packed);
    sqlite3_stmt *st = store_prepare(
        m->db,
        "INSERT INTO journal(day, kind, signature, spam, header, body, counts, heard, places)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (const char *const[]){day, lesson->kind}, 2);
    const bool ok = st && sqlite3_bind_text(st, 3, lesson->signature, -1, SQLITE_STATIC) == SQLITE_OK &&
                    sqlite3_bind_int(st, 4, lesson->spam) == SQLITE_OK &&
                    sqlite3_bind_int(st, 5, lesson->step.header) == SQLITE_OK &&
                    sqlite3_bind_int(st, 6, lesson->step.body) == SQLITE_OK &&
                    sqlite3_bind_int(st, 7, lesson->step.counts) == SQLITE_OK &&
                    sqlite3_bind_int(st, 8, lesson->step.heard) == SQLITE_OK &&
                    sqlite3_bind_blob(st, 9, packed->data, (int)packed->len, SQLITE_STATIC) ==
                        SQLITE_OK &&
                    sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    if (ok)
        m->applied = sqlite3_last_insert_rowid(m->db);
    g_byte_array_unref(packed);
    return ok;
}

static bool write_blobs(struct model *m, const struct learner *l)
{
    g_autofree unsigned char *weights = g_malloc(sizeof l->weights), *counts = g_malloc(sizeof l->counts);
    for (size_t i = 0; i < LEARNER_BUCKETS; i++) {
        put16(weights + 2 * i, (guint16)l->weights[i]);
        put16(counts + 4 * i, l->counts[i].spam);
        put16(counts + 4 * i + 2, l->counts[i].ham);
    }
    sqlite3_stmt *st = store_prepare(
        m->db,
        "INSERT INTO checkpoint(id, weights, counts, touched) VALUES(1, ?1, ?2, ?3)"
        " ON CONFLICT(id) DO UPDATE SET weights = ?1, counts = ?2, touched = ?3",
        NULL, 0);
    const bool ok =
        st && sqlite3_bind_blob(st, 1, weights, sizeof l->weights, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_blob(st, 2, counts, sizeof l->counts, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_blob(st, 3, l->touched, sizeof l->touched, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    return ok;
}

bool model_learner_checkpoint(struct model *m)
{
    const struct learner *l = m->learner;
    if (!l || !write_blobs(m, l))
        return false;
    g_autofree char *sql = g_strdup_printf("INSERT OR REPLACE INTO learnt(id, applied, spam, ham, counted_spam,"
                                " counted_ham) VALUES(1, %" G_GINT64_FORMAT ", %u, %u, %u, %u)",
                                m->applied, l->spam, l->ham, l->counted_spam, l->counted_ham);
    const bool ok =
        store_run(m->db, sql, NULL, 0) &&
        store_run(m->db, "UPDATE journal SET places = NULL WHERE places IS NOT NULL", NULL, 0);
    return ok;
}

gint64 model_learner_pending(struct model *m)
{
    return model_number(m,
                        "SELECT count(*) FROM journal"
                        " WHERE id > coalesce((SELECT applied FROM learnt), 0)",
                        NULL, 0);
}

/* Messages learnt as of the checkpoint. */
static gint64 learnt_in_all(struct model *m)
{
    return model_number(m, "SELECT spam + ham FROM learnt", NULL, 0);
}

static bool begin_period(struct model *m)
{
    g_autofree char *day = daykey_day(0), *learnt = g_strdup_printf("%" G_GINT64_FORMAT, learnt_in_all(m));
    const bool ok = store_run(m->db, "INSERT OR REPLACE INTO period(id, day, learnt) VALUES(1, ?, ?)",
                              (const char *const[]){day, learnt}, 2);
    return ok;
}

bool model_learner_age(struct model *m)
{
    g_autofree char *day = daykey_day(PERIOD_DAYS);
    const gint64 learnt = model_number(m, "SELECT learnt FROM period", NULL, -1);
    const bool old = model_number(m, "SELECT 1 FROM period WHERE day <= ?", day, 0) == 1;
    if (learnt < 0)
        return begin_period(m);
    if (!old || learnt_in_all(m) - learnt < PERIOD_LEARNT)
        return true;
    if (!model_learner(m))
        return false;
    learner_age(m->learner);
    return model_learner_checkpoint(m) && begin_period(m);
}
