/* Opens, locks and closes the model store. Called by keeper_process.c and filterctl. */
#include "filterd/keeper/model_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/config/users.h"
#include "classifier/model.h"
#include "filterd/keeper/pending.h"
#include "filterd/keeper/housekeeping.h"
#include "filterd/keeper/model_store_state.h"
#include "filterd/keeper/unclaimed.h"

#define LOOK_AGAIN_US 20000

/* True if nobody else has the lock, at once or wait_ms later. */
static bool is_free(int lock_fd, int wait_ms)
{
    const gint64 end = g_get_monotonic_time() + wait_ms * 1000;
    int held;
    while ((held = flock(lock_fd, LOCK_EX | LOCK_NB)) && errno == EWOULDBLOCK && g_get_monotonic_time() < end)
        g_usleep(LOOK_AGAIN_US);
    return !held;
}

static bool lock(struct model_store *l, int wait_ms, char **error_r)
{
    g_autofree char *folder = g_build_filename(l->settings->state_dir, "users", NULL);
    g_autofree char *file = g_build_filename(l->settings->state_dir, "lock", NULL);
    const bool made = g_mkdir_with_parents(folder, 0750) == 0;
    l->lock_fd = made ? open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0640) : -1;
    bool ok = l->lock_fd >= 0;
    if (!ok) {
        *error_r = g_strdup_printf("%s: %s", made ? file : folder, g_strerror(errno));
    } else if (!is_free(l->lock_fd, wait_ms)) {
        *error_r = g_strdup_printf("%s: in use by another process", l->settings->state_dir);
        ok = false;
    }
    return ok;
}

static void close_model(gpointer data)
{
    struct model *m = data;
    model_free(&m);
}

struct model_store *model_store_open(const struct settings *s, const struct sitekey *key, int wait_ms,
                                     char **error_r)
{
    struct model_store *l = g_new0(struct model_store, 1);
    *error_r = NULL;
    l->settings = s;
    l->key = *key;
    l->lock_fd = -1;
    l->unclaimed_bytes = UNCLAIMED_BYTES;
    l->rates = keeper_rates_new();
    l->domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    l->models = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_model);
    if (lock(l, wait_ms, error_r))
        l->users = users_open(s->state_dir, true, error_r);
    if (l->users)
        housekeeping_recover(s->state_dir);
    else
        model_store_free(&l);
    return l;
}

void model_store_free(struct model_store **l)
{
    if (!*l)
        return;
    pending_write(*l);
    g_hash_table_unref((*l)->models);
    g_hash_table_unref((*l)->domains);
    model_free(&(*l)->site);
    model_free(&(*l)->unclaimed);
    users_free(&(*l)->users);
    keeper_rates_free(&(*l)->rates);
    if ((*l)->round)
        g_ptr_array_unref((*l)->round);
    if ((*l)->lock_fd >= 0)
        close((*l)->lock_fd);
    explicit_bzero(&(*l)->key, sizeof (*l)->key);
    g_free((*l)->forgotten);
    g_free(*l);
    *l = NULL;
}

void model_store_ask(struct model_store *l, const struct users_tables *tables)
{
    l->tables = tables;
}

int model_store_lock_fd(const struct model_store *l)
{
    return l->lock_fd;
}

int model_store_due_ms(const struct model_store *l)
{
    return pending_due_ms(l);
}

void model_store_write(struct model_store *l)
{
    pending_write(l);
}

void model_store_tick(struct model_store *l)
{
    pending_write(l);
    housekeeping_tick(l);
    keeper_rates_tick(l->rates);
}
