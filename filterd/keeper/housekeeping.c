/* The model store's recovery and periodic work. Called by model_store.c. */
#include "filterd/keeper/housekeeping.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "classifier/known_sender.h"
#include "classifier/daykey.h"
#include "classifier/model.h"
#include "classifier/model_learner.h"
#include "filterd/keeper/train_request.h"
#include "filterd/keeper/model_store_model.h"
#include "filterd/keeper/record.h"
#include "filterd/keeper/train_apply.h"
#include "filterd/keeper/unclaimed.h"

#define ROUND_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
/* TIDY_PENDING: rows of the journal that may stay outside the checkpoint until the next round. */
enum { USERS_A_TICK = 100, JOURNAL_DAYS = 90, KNOWN_SENDER_DAYS = 400, TIDY_PENDING = 16 };

static void recover(const char *path)
{
    g_autofree char *error = NULL;
    struct model *m = model_open_file(path, true, &error);
    if (!m)
        log_warn("%s; what was half-written there stays", error);
    else if (!model_begin(m) || !model_end(m, true))
        log_warn("%s: what was half-written there stays", path);
    model_free(&m);
}

void housekeeping_recover(const char *state_dir)
{
    static const char suffix[] = "-journal";
    GPtrArray *journals = model_files(state_dir, suffix);
    if (!journals) {
        log_warn("%s/users: %s; what was half-written there stays", state_dir, g_strerror(errno));
        return;
    }
    for (guint i = 0; i < journals->len; i++) {
        char *path = g_ptr_array_index(journals, i);
        path[strlen(path) - (sizeof suffix - 1)] = '\0';
        recover(path);
    }
    g_ptr_array_unref(journals);
}

/* Deletes what has expired in a user's model. On an error nothing changes until the next round. */
static void tidy(struct model_store *l, struct model *m, const char *journal_day)
{
    if (!model_begin(m))
        return;
    g_autofree char *last = daykey_day(KNOWN_SENDER_DAYS);
    bool ok = record_forget_before(m, l->forgotten, journal_day) &&
              known_sender_forget_before(m, last);
    ok = ok && train_apply_checkpoint(m, TIDY_PENDING) && model_learner_age(m);
    model_end(m, ok);
}

/* Removes the store of an address that nobody names and of which nothing is left: it was invented, or is gone. If
 * mail comes for it again, so does the store. */
static void remove_empty(struct model_store *l, const char *path, const char *user)
{
    struct model *m = g_hash_table_lookup(l->models, user);
    if (m && model_is_empty(m) && unclaimed_by_tables(l, user) == UNCLAIMED_YES) {
        g_hash_table_remove(l->models, user);
        if (unlink(path))
            log_warn("%s: %s", path, g_strerror(errno));
    }
}

static void visit(struct model_store *l, const char *path, const char *journal_day)
{
    g_autofree char *error = NULL;
    struct model *m = model_open_file(path, false, &error);
    g_autofree char *user = NULL;
    const bool known = m && model_user(m, &user);
    model_free(&m);
    m = known && user ? model_store_model(l, user, &error) : NULL;
    if (m)
        tidy(l, m, journal_day);
    if (m && strcmp(user, MODEL_SITE) != 0)
        train_request_settle(l, user);
    if (m && strcmp(user, MODEL_SITE) != 0)
        remove_empty(l, path, user);
    if (error)
        log_warn("%s", error); /* logged once in a round: until then this user's model learns nothing */
}

static void forget_days_before(struct model_store *l, const char *day)
{
    daykey_destroy_before(l->settings->site_key, day);
    unclaimed_forget_before(l, day);
}

void housekeeping_tick(struct model_store *l)
{
    char *day = daykey_day(l->settings->signature_days);
    if (g_strcmp0(day, l->forgotten) != 0)
        forget_days_before(l, day);
    g_free(l->forgotten);
    l->forgotten = day;
    const gint64 now = g_get_monotonic_time();
    if (!l->round && (l->round_began == 0 || now - l->round_began > ROUND_US)) {
        l->round = model_files(l->settings->state_dir, ".db");
        l->round_began = now;
    }
    g_autofree char *journal_day = daykey_day(JOURNAL_DAYS);
    for (int i = 0; i < USERS_A_TICK && l->round && l->round->len > 0; i++) {
        g_autofree char *path = g_ptr_array_steal_index_fast(l->round, l->round->len - 1);
        visit(l, path, journal_day);
    }
    if (l->round && l->round->len == 0)
        g_clear_pointer(&l->round, g_ptr_array_unref);
}
