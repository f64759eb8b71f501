/* Reads users' keys. Called by keycache.c, generation.c, seal.c and filterctl. generation.c writes key folders,
 * keyring_import.c changes their keys. */
#include "gpg/keyring.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/config/key_folders.h"
#include "base/config/users.h"
#include "gpg/engine.h"
#include "gpg/engine_run.h"

/* Enough for one person's keyring. The client may be waiting for its reply to RCPT, for which Postfix allows
 * 100 s. */
#define READ_SECONDS 10

void key_info_free(struct key_info *k)
{
    if (!k)
        return;
    g_free(k->fingerprint);
    g_free(k->algorithm);
    g_free(k->user_id);
    g_free(k->file);
    g_free(k->ring);
    g_free(k->digest);
    g_array_unref(k->ids);
    g_ptr_array_unref(k->addresses);
    g_free(k);
}

int64_t key_info_ends(const struct key_info *k)
{
    if (!k->key_ends || !k->subkey_ends)
        return k->key_ends ? k->key_ends : k->subkey_ends;
    return MIN(k->key_ends, k->subkey_ends);
}

const char *key_info_trouble(const struct key_info *k, int64_t now)
{
    if (k->revoked)
        return "revoked";
    if (k->key_ends && k->key_ends <= now)
        return "expired";
    if (!k->has_subkey)
        return "no encryption subkey";
    if (k->subkey_ends && k->subkey_ends <= now)
        return "encryption subkey expired";
    return k->subkey_starts > now ? "made in the future" : NULL;
}

/* ---- from GPGME's view of a key ---- */

/* Converts GPGME's time: for some keys it is an unsigned 32-bit value in a signed long. */
static int64_t seconds(long t)
{
    return t > 0 ? t : 0;
}

static bool lasts_longer(int64_t a, int64_t b)
{
    return a == 0 ? b != 0 : b != 0 && a > b;
}

static gpgme_subkey_t take_subkey(struct key_info *k, gpgme_key_t key)
{
    gpgme_subkey_t best = NULL;
    for (gpgme_subkey_t s = key->subkeys; s; s = s->next) {
        if (!s->can_encrypt || s->revoked || s->invalid || s->disabled)
            continue;
        if (best && !lasts_longer(seconds(s->expires), k->subkey_ends))
            continue;
        best = s;
        k->subkey_starts = seconds(s->timestamp);
        k->subkey_ends = seconds(s->expires);
    }
    k->has_subkey = best != NULL;
    return best;
}

static void take_user_ids(struct key_info *k, gpgme_key_t key)
{
    k->addresses = g_ptr_array_new_with_free_func(g_free);
    for (gpgme_user_id_t u = key->uids; u; u = u->next) {
        if (!k->user_id)
            k->user_id = g_utf8_make_valid(u->uid ? u->uid : "", -1);
        char *address = u->revoked || u->invalid || !u->address ? NULL
                                                                : address_canonical(u->address);
        if (address)
            g_ptr_array_add(k->addresses, address);
    }
    if (!k->user_id)
        k->user_id = g_strdup("");
}

static char *algorithm_text(gpgme_key_t key, gpgme_subkey_t subkey)
{
    char *first = gpgme_pubkey_algo_string(key->subkeys);
    char *second = subkey ? gpgme_pubkey_algo_string(subkey) : NULL;
    char *text = second && first && strcmp(first, second)
                     ? g_strdup_printf("%s/%s", first, second)
                     : g_strdup(first ? first : "unknown");
    gpgme_free(first);
    gpgme_free(second);
    return text;
}

/* Senders may hold an old copy of the key, so mail names expired and revoked subkeys, too. */
static GArray *ids_of(gpgme_key_t key)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(guint64));
    for (gpgme_subkey_t s = key->subkeys; s; s = s->next) {
        const guint64 id = g_ascii_strtoull(s->keyid ? s->keyid : "", NULL, 16);
        if (id)
            g_array_append_val(ids, id);
    }
    return ids;
}

static struct key_info *key_info_new(gpgme_key_t key, const char *home)
{
    struct key_info *k = g_new0(struct key_info, 1);
    k->fingerprint = g_strdup(key->subkeys->fpr);
    k->file = g_strdup_printf("%s/%s.pgp", home, k->fingerprint);
    k->revoked = key->revoked || key->disabled || key->invalid;
    k->created = seconds(key->subkeys->timestamp);
    k->key_ends = seconds(key->subkeys->expires);
    k->algorithm = algorithm_text(key, take_subkey(k, key));
    k->ids = ids_of(key);
    take_user_ids(k, key);
    return k;
}

struct listing {
    const char *home;
    GPtrArray *keys;
};

static void on_key(gpgme_key_t key, void *arg)
{
    struct listing *l = arg;
    if (key->subkeys && key->subkeys->fpr) /* missing if GPGME ran out of memory */
        g_ptr_array_add(l->keys, key_info_new(key, l->home));
}

GPtrArray *keyring_keys(const char *home, char **error_r)
{
    struct engine_run run;
    gpgme_ctx_t ctx = engine_open(home, error_r);
    if (!ctx)
        return NULL;
    struct listing list = {
        home, g_ptr_array_new_with_free_func((GDestroyNotify)(void *)key_info_free)};
    engine_run_begin(&run, ctx);
    run.on_key = on_key;
    run.arg = &list;
    gpgme_error_t e = gpgme_op_keylist_start(ctx, NULL, 0);
    e = e ? e : engine_run_wait(&run, READ_SECONDS);
    gpgme_release(ctx);
    if (!e)
        return list.keys;
    *error_r = g_strdup_printf("gpg cannot list the keys: %s", gpgme_strerror(e));
    g_ptr_array_unref(list.keys);
    return NULL;
}

/* ---- folders ---- */

enum keyring_state keyring_current(const char *state_dir, const char *user, char **path_r)
{
    char target[64];
    struct stat st;
    g_autofree char *dir = users_key_dir(state_dir, user);
    g_autofree char *link = g_build_filename(dir, "current", NULL);
    ssize_t len = readlink(link, target, sizeof target - 1);
    if (len < 0 && errno == ENOENT) {
        if (lstat(dir, &st) == 0)
            return KEYRING_BROKEN;
        return errno == ENOENT ? KEYRING_NONE : KEYRING_UNREADABLE;
    }
    if (len < 0)
        return errno == EINVAL ? KEYRING_BROKEN : KEYRING_UNREADABLE;
    target[len] = 0;
    if (!g_str_has_prefix(target, "gen-") || strchr(target, '/'))
        return KEYRING_BROKEN;
    g_autofree char *path = g_build_filename(dir, target, NULL);
    if (stat(path, &st))
        return errno == ENOENT ? KEYRING_BROKEN : KEYRING_UNREADABLE;
    *path_r = g_steal_pointer(&path);
    return KEYRING_FOUND;
}

bool keyring_each_user(const char *state_dir, void (*fn)(const char *user, void *arg), void *arg)
{
    return key_folders_each(state_dir, fn, arg);
}

bool keyring_export(const char *home, const char *pattern, enum keyring_form form,
                    struct bytes *out, char **error_r)
{
    struct engine_run run;
    gpgme_data_t data = NULL;
    gpgme_ctx_t ctx = engine_open(home, error_r);
    if (!ctx)
        return false;
    engine_run_begin(&run, ctx);
    gpgme_set_armor(ctx, form == KEYRING_ARMORED);
    gpgme_error_t e = gpgme_data_new(&data);
    if (!e)
        e = gpgme_op_export_start(ctx, pattern,
                                  form == KEYRING_LEAN_BINARY ? GPGME_EXPORT_MODE_MINIMAL : 0, data);
    if (!e)
        e = engine_run_wait(&run, READ_SECONDS);
    gpgme_release(ctx);
    size_t len = 0;
    char *text = data ? gpgme_data_release_and_get_mem(data, &len) : NULL;
    if (text && !e)
        bytes_add(out, text, len);
    gpgme_free(text);
    if (e || !len)
        *error_r = g_strdup_printf("gpg cannot export the key: %s",
                                   e ? gpgme_strerror(e) : "nothing came");
    return !e && len > 0;
}
