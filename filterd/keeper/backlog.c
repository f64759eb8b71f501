#include "filterd/keeper/backlog.h"

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

void backlog_add(struct ledger *l, const char *user, struct record *r)
{
    struct waiting *w = g_new0(struct waiting, 1);
    w->user = g_strdup(user);
    w->record = r;
    if (!l->backlog) {
        l->backlog = g_ptr_array_new_with_free_func(waiting_free);
        l->backlog_since = g_get_monotonic_time();
    }
    g_ptr_array_add(l->backlog, w);
    if (l->backlog->len >= BACKLOG_RECORDS)
        backlog_write(l);
}

struct record *backlog_find(struct ledger *l, const char *user, const char *signature)
{
    for (guint i = l->backlog ? l->backlog->len : 0; i-- > 0;) {
        const struct waiting *w = l->backlog->pdata[i];
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

/* All of one user, from there on, in one transaction; how many they are. One that is no good (its
 * signature is taken) does not take the others with it. */
static guint write_user(struct ledger *l, guint from)
{
    const struct waiting *first = l->backlog->pdata[from];
    char *error = NULL;
    guint n = 0;
    struct model *m = ledger_model(l, first->user, &error);
    bool ok = m && model_begin(m), all = true;
    for (; from + n < l->backlog->len; n++) {
        const struct waiting *w = l->backlog->pdata[from + n];
        if (strcmp(w->user, first->user) != 0)
            break;
        if (ok)
            all &= record_add(m, w->record);
    }
    if (!ok || !model_end(m, true) || !all)
        log_warn("user=<%s> records of deliveries could not be written, they cannot be learnt from%s%s",
                 first->user, error ? ": " : "", error ? error : "");
    g_free(error);
    return n;
}

void backlog_write(struct ledger *l)
{
    if (!l->backlog)
        return;
    g_ptr_array_sort(l->backlog, by_user);
    for (guint i = 0; i < l->backlog->len;)
        i += write_user(l, i);
    backlog_free(l);
}

int backlog_due_ms(const struct ledger *l)
{
    if (!l->backlog)
        return -1;
    const gint64 waited_ms = (g_get_monotonic_time() - l->backlog_since) / 1000;
    return waited_ms >= BACKLOG_MS ? 0 : (int)(BACKLOG_MS - waited_ms);
}

void backlog_free(struct ledger *l)
{
    if (l->backlog)
        g_ptr_array_unref(l->backlog);
    l->backlog = NULL;
}
