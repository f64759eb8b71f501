/* Caches users' keys by generation. Called by seal.c. */
#include "gpg/keycache.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "gpg/keyring.h"
#include "gpg/ring.h"

struct keycache {
    char *state_dir;
    GHashTable *users; /* user -> struct cached_keys* */
};

static void cached_keys_free(void *value)
{
    g_autofree struct cached_keys *k = value;
    g_free(k->home);
    g_ptr_array_unref(k->keys);
}

struct keycache *keycache_new(const char *state_dir)
{
    struct keycache *c = g_new0(struct keycache, 1);
    c->state_dir = g_strdup(state_dir);
    c->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, cached_keys_free);
    return c;
}

void keycache_free(struct keycache **c)
{
    if (!*c)
        return;
    g_free((*c)->state_dir);
    g_hash_table_unref((*c)->users);
    g_clear_pointer(c, g_free);
}

static enum key_state says(enum key_state state, char **reason_r, const char *reason)
{
    if (reason_r)
        *reason_r = g_strdup(reason);
    return state;
}

static bool same_place(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* True if GPGME listed all keys of the home. If gpg was killed or ran out of memory its listing ends early, and
 * GPGME does not report it. */
static bool is_whole(const char *home, const GPtrArray *keys)
{
    guint files = 0, named = 0;
    GDir *dir = g_dir_open(home, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        files += g_str_has_suffix(name, ".pgp");
    if (dir)
        g_dir_close(dir);
    /* Short of memory, GPGME may give a key the fingerprint of its subkey: so each listed key must have its
     * file. */
    for (guint i = 0; i < keys->len; i++)
        named += access(((const struct key_info *)g_ptr_array_index(keys, i))->file, R_OK) == 0;
    return keys->len && keys->len == files && keys->len == named;
}

/* Reads the user's keys. Failures are not cached: the next message tries again. */
static enum key_state load(struct keycache *c, const char *user, const char *home,
                           struct cached_keys **keys_r, char **reason_r)
{
    g_autofree char *why = NULL;
    struct stat place;
    bool doubtful = false;
    g_hash_table_remove(c->users, user);
    if (stat(home, &place)) /* before the keys are read, so that a later change is noticed next time */
        return says(KEY_UNREADABLE, reason_r, "the key folder cannot be read");
    GPtrArray *keys = keyring_keys(home, &why);
    if (!keys)
        return says(KEY_UNREADABLE, reason_r, why);
    if (!is_whole(home, keys)) {
        g_ptr_array_unref(keys);
        return says(KEY_UNREADABLE, reason_r, "not all keys in the key folder can be read");
    }
    for (guint i = 0; i < keys->len; i++) {
        struct key_info *k = g_ptr_array_index(keys, i);
        k->ring = ring_of(k->file);
        doubtful |= key_info_trouble(k, g_get_real_time() / G_USEC_PER_SEC) != NULL;
    }
    *keys_r = g_new0(struct cached_keys, 1);
    (*keys_r)->doubtful = doubtful;
    (*keys_r)->home = g_strdup(home);
    (*keys_r)->place = place;
    (*keys_r)->keys = keys;
    g_hash_table_insert(c->users, g_strdup(user), *keys_r);
    return KEY_GOOD;
}

static enum key_state find(struct keycache *c, const char *user, struct cached_keys **keys_r,
                           char **reason_r)
{
    g_autofree char *home = NULL;
    struct stat now;
    switch (keyring_current(c->state_dir, user, &home)) {
    case KEYRING_NONE:
        g_hash_table_remove(c->users, user);
        return says(KEY_NONE, reason_r, "no key");
    case KEYRING_BROKEN:
        g_hash_table_remove(c->users, user);
        return says(KEY_BAD, reason_r, "the key folder has no current generation");
    case KEYRING_FOUND:
        break;
    default:
        return says(KEY_UNREADABLE, reason_r, "the key folder cannot be read");
    }
    *keys_r = g_hash_table_lookup(c->users, user);
    if (*keys_r && !(*keys_r)->doubtful && !strcmp((*keys_r)->home, home) &&
        stat(home, &now) == 0 && same_place(&now, &(*keys_r)->place))
        return KEY_GOOD;
    return load(c, user, home, keys_r, reason_r);
}

/* One usable key is enough: a user who adds a new key before the old one expires keeps getting mail. */
static enum key_state judge(const struct cached_keys *cached, GPtrArray *files, char **reason_r)
{
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *why = NULL;
    int good = 0;
    for (guint i = 0; i < cached->keys->len; i++) {
        const struct key_info *k = g_ptr_array_index(cached->keys, i);
        const char *trouble = key_info_trouble(k, now);
        good += !trouble;
        if (!trouble && files)
            g_ptr_array_add(files, g_strdup(k->ring ? k->ring : k->file));
        if (trouble && !why)
            why = g_strdup_printf("key %s: %s", k->fingerprint, trouble);
    }
    return good ? KEY_GOOD : says(KEY_BAD, reason_r, why);
}

enum key_state keycache_get(struct keycache *c, const char *user,
                            const struct cached_keys **keys_r, GPtrArray *files, char **reason_r)
{
    struct cached_keys *cached = NULL;
    enum key_state state = find(c, user, &cached, reason_r);
    if (state != KEY_GOOD)
        return state;
    if (keys_r)
        *keys_r = cached;
    return judge(cached, files, reason_r);
}
