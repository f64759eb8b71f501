/* Pending records. Called by train_request.c, keeper_verbs.c and model_store.c. */
#include "filterd/keeper/pending.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "classifier/model.h"

struct waiting {
    char *user;
    struct record *record;
};

static void waiting_free(gpointer data)
{
    struct waiting *w = data;
    g_free(w->user);
    record_free(&w->record);
    g_free(w);
}

void pending_add(struct model_store *l, const char *user, struct record *r)
{
    struct waiting *w = g_new0(struct waiting, 1);
    w->user = g_strdup(user);
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

/* Writes the records of one user, which start at from, in one transaction; returns their number. A record that
 * fails (its signature exists already) does not fail the others. */
static guint write_user(struct model_store *l, guint from)
{
    const struct waiting *first = l->pending->pdata[from];
    g_autofree char *error = NULL;
    guint n = 0;
    struct model *m = model_store_model(l, first->user, &error);
    bool ok = m && model_begin(m), all = true;
    for (; from + n < l->pending->len; n++) {
        const struct waiting *w = l->pending->pdata[from + n];
        if (strcmp(w->user, first->user) != 0)
            break;
        if (ok)
            all &= record_add(m, w->record);
    }
    if (!ok || !model_end(m, true) || !all)
        log_warn("user=<%s> records of deliveries could not be written, they cannot be learnt from%s%s",
                 first->user, error ? ": " : "", error ? error : "");
    return n;
}

void pending_write(struct model_store *l)
{
    if (!l->pending)
        return;
    g_ptr_array_sort(l->pending, by_user);
    for (guint i = 0; i < l->pending->len;)
        i += write_user(l, i);
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
