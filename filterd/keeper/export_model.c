/* Copies between a user's model and an export. Called by model_store_user.c. */
#include "filterd/keeper/export_model.h"

#include <glib.h>
#include <string.h>

#include "base/store.h"
#include "classifier/learner.h"
#include "classifier/model_learner.h"
#include "filterd/keeper/record.h"

static bool read_history(struct export *e, struct model *m)
{
    sqlite3_stmt *st = store_prepare(
        model_db(m), "SELECT day, kind, spam, heard FROM journal ORDER BY id", NULL, 0);
    int rc = SQLITE_ERROR;
    while (st && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct export_record h = {.spam = sqlite3_column_int(st, 2) != 0,
                                  .heard = sqlite3_column_int(st, 3)};
        g_strlcpy(h.day, (const char *)sqlite3_column_text(st, 0), sizeof h.day);
        g_strlcpy(h.kind, (const char *)sqlite3_column_text(st, 1), sizeof h.kind);
        g_array_append_val(e->history, h);
    }
    sqlite3_finalize(st);
    return rc == SQLITE_DONE;
}

static bool read_period(struct export *e, struct model *m)
{
    sqlite3_stmt *st = store_prepare(model_db(m), "SELECT day, learnt FROM period", NULL, 0);
    const int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
    if (rc == SQLITE_ROW) {
        g_strlcpy(e->period_day, (const char *)sqlite3_column_text(st, 0), sizeof e->period_day);
        e->period_learnt = sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

bool export_model_read(struct export *e, struct model *m)
{
    const struct learner *l = model_learner(m);
    if (!l)
        return false;
    memcpy(e->learner, l, sizeof *l);
    return read_history(e, m) && read_period(e, m);
}

static bool write_row(struct model *m, const struct export_record *h)
{
    const struct model_lesson lesson = {.kind = h->kind, .spam = h->spam, .step = {.heard = h->heard}};
    return model_learner_note(m, &lesson, NULL) &&
           store_run(model_db(m), "UPDATE journal SET day = ? WHERE id = last_insert_rowid()",
                     (const char *const[]){h->day}, 1);
}

static bool write_period(const struct export *e, struct model *m)
{
    if (!*e->period_day)
        return store_run(model_db(m), "DELETE FROM period", NULL, 0);
    g_autofree char *learnt = g_strdup_printf("%" G_GINT64_FORMAT, e->period_learnt);
    const bool ok = store_run(model_db(m),
                              "INSERT OR REPLACE INTO period(id, day, learnt) VALUES(1, ?, ?)",
                              (const char *const[]){e->period_day, learnt}, 2);
    return ok;
}

/* Clears the records' learning steps: they belong to the old learner and must not be undone in the new one.
 * Deletes the samples (state 2), which also belong to the old learner. */
static bool clear_records(struct model *m)
{
    const struct learner_step none = {0};
    bool ok = store_run(model_db(m), "DELETE FROM record WHERE state = 2", NULL, 0);
    sqlite3_stmt *st = store_prepare(
        model_db(m), "SELECT signature FROM record WHERE taught IS NOT NULL", NULL, 0);
    int rc = SQLITE_ERROR;
    while (ok && st && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct record *r = record_get(m, (const char *)sqlite3_column_text(st, 0));
        if (r)
            r->step = none;
        ok = r && record_update(m, r);
        record_free(&r);
    }
    sqlite3_finalize(st);
    return ok && rc == SQLITE_DONE;
}

bool export_model_write(const struct export *e, struct model *m)
{
    const struct model_lesson note = {.kind = "imported"};
    bool ok = model_learner(m) && clear_records(m) &&
              store_run(model_db(m), "DELETE FROM journal", NULL, 0);
    for (guint i = 0; i < e->history->len && ok; i++)
        ok = write_row(m, &g_array_index(e->history, struct export_record, i));
    /* Adds a row to the journal: by its number readers see that their copy of the model is old. */
    if (!ok || !write_period(e, m) || !model_learner_note(m, &note, NULL))
        return false;
    struct learner *l = model_learner(m);
    if (l)
        *l = *e->learner;
    return l && model_learner_checkpoint(m);
}
