/* Pending records. Called by train_request.c, keeper_verbs.c and model_store.c. */
#include "filterd/keeper/pending.h"
#include "filterd/keeper/model_store_model.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "classifier/model.h"
#include "filterd/keeper/unclaimed.h"

struct waiting {
    char *user;
    bool named;
    struct record *record;
};

static void waiting_free(gpointer data)
{
    struct waiting *w = data;
    g_free(w->user);
    record_free(&w->record);
    g_free(w);
}

void pending_add(struct model_store *l, const char *user, bool named, struct record *r)
{
    struct waiting *w = g_new0(struct waiting, 1);
    w->user = g_strdup(user);
    w->named = named;
    w->record = r;
    if (!l->pending) {
        l->pending = g_ptr_array_new_with_free_func(waiting_free);
        l->pending_since = g_get_monotonic_time();
    }
    g_ptr_array_add(l->pending, w);
    if (l->pending->len >= PENDING_RECORDS)
        pending_write(l);
}

struct record *pending_find(struct model_store *l, const char *user, const char *signature)
{
    for (guint i = l->pending ? l->pending->len : 0; i-- > 0;) {
        const struct waiting *w = l->pending->pdata[i];
        if (strcmp(w->record->signature, signature) == 0 && strcmp(w->user, user) == 0)
            return w->record;
    }
    return NULL;
}

static int by_user(gconstpointer a, gconstpointer b)
{
    const struct waiting *const *x = a, *const *y = b;
    return strcmp((*x)->user, (*y)->user);
}

static const struct waiting *waiting_at(const struct model_store *l, guint i)
{
    return l->pending->pdata[i];
}

static void note_lost(const char *user, const char *error)
{
    log_warn("user=<%s> records of deliveries could not be written, they cannot be learnt from%s%s", user,
             error ? ": " : "", error ? error : "");
}

/* How many records, from this one on, are of the same user. */
static guint count_of_user(const struct model_store *l, guint from)
{
    guint n = 1;
    while (from + n < l->pending->len && strcmp(waiting_at(l, from + n)->user, waiting_at(l, from)->user) == 0)
        n++;
    return n;
}

/* Writes the records of one user in one transaction. A record that fails (its signature exists already) does not
 * fail the others. */
static void write_own(struct model_store *l, guint from, guint count)
{
    const char *user = waiting_at(l, from)->user;
    g_autofree char *error = NULL;
    struct model *m = model_store_model(l, user, &error);
    const bool ok = m && model_begin(m);
    bool all = true;
    for (guint i = 0; ok && i < count; i++)
        all &= record_add(m, waiting_at(l, from + i)->record);
    if (!ok || !model_end(m, true) || !all)
        note_lost(user, error);
}

/* The same for a user whose address is unclaimed, inside the one transaction of all of these. */
static void write_unclaimed(struct model_store *l, guint from, guint count, bool *began)
{
    const char *user = waiting_at(l, from)->user;
    g_autofree char *error = NULL;
    bool all = *began || (*began = unclaimed_begin(l, &error));
    for (guint i = 0; *began && i < count; i++)
        all &= unclaimed_add(l, user, waiting_at(l, from + i)->record);
    if (!all)
        note_lost(user, error);
}

/* Bounds the common store, inside its transaction: strangers who invent addresses may fill it, and must not drive out
 * the few records of a user who is known. */
static bool make_room(struct model_store *l)
{
    bool ok = true, full = true;
    while (ok && full) {
        gint64 last;
        GPtrArray *users = unclaimed_oldest(l, &last);
        full = users->len > 0;
        for (guint i = 0; i < users->len; i++) {
            g_autofree char *error = NULL;
            if (unclaimed_by_tables(l, users->pdata[i]) == UNCLAIMED_NO && !model_store_model(l, users->pdata[i], &error))
                note_lost(users->pdata[i], error);
        }
        g_ptr_array_unref(users);
        ok = !full || unclaimed_drop(l, last);
    }
    return ok;
}

void pending_write(struct model_store *l)
{
    bool began = false;
    if (!l->pending)
        return;
    g_ptr_array_sort(l->pending, by_user);
    for (guint i = 0, count; i < l->pending->len; i += count) {
        count = count_of_user(l, i);
        /* If that cannot be known now, the common store is the one that does no harm. */
        if (unclaimed_wants_own(l, waiting_at(l, i)->user, waiting_at(l, i)->named))
            write_own(l, i, count);
        else
            write_unclaimed(l, i, count, &began);
    }
    if (began && !unclaimed_end(l, make_room(l)))
        log_warn("unclaimed.db: records of deliveries could not be written, they cannot be learnt from");
    pending_free(l);
}

int pending_due_ms(const struct model_store *l)
{
    if (!l->pending)
        return -1;
    const gint64 waited_ms = (g_get_monotonic_time() - l->pending_since) / 1000;
    return waited_ms >= PENDING_MS ? 0 : (int)(PENDING_MS - waited_ms);
}

void pending_free(struct model_store *l)
{
    if (l->pending)
        g_ptr_array_unref(l->pending);
    l->pending = NULL;
}
