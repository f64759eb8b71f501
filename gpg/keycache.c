/* Caches users' keys by generation. Called by seal.c. */
#include "gpg/keycache.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "gpg/key_card.h"
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

/* True if time may heal a key that a card names: gpg ignores what is signed in the future, or lists another subkey
 * once it counts. What is revoked or expired stays so. */
static bool may_heal(const GPtrArray *keys)
{
    const int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    for (guint i = 0; i < keys->len; i++) {
        const struct key_info *k = g_ptr_array_index(keys, i);
        const bool ended = k->revoked || (k->key_ends && k->key_ends <= now);
        if (!ended && key_info_trouble(k, now))
            return true;
    }
    return false;
}

/* NULL: gpg has to list them. */
static GPtrArray *keys_by_card(const char *user, const char *home)
{
    g_autofree char *why = NULL;
    GPtrArray *keys = key_card_read(home, &why);
    if (keys && !is_whole(home, keys)) {
        why = g_strdup("the key card does not have all keys");
        g_clear_pointer(&keys, g_ptr_array_unref);
    }
    if (why)
        log_warn("user=<%s> %s: gpg lists the keys in its place; import the key again to have a new card", user, why);
    if (keys && may_heal(keys))
        g_clear_pointer(&keys, g_ptr_array_unref);
    return keys;
}

static GPtrArray *keys_by_gpg(const char *home, char **why_r)
{
    GPtrArray *keys = keyring_keys(home, why_r);
    if (keys && !is_whole(home, keys)) {
        *why_r = g_strdup("not all keys in the key folder can be read");
        g_clear_pointer(&keys, g_ptr_array_unref);
    }
    return keys;
}

static bool has_trouble(const GPtrArray *keys)
{
    const int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    bool trouble = false;
    for (guint i = 0; i < keys->len; i++)
        trouble |= key_info_trouble(g_ptr_array_index(keys, i), now) != NULL;
    return trouble;
}

/* Reads the user's keys. Failures are not cached: the next message tries again. */
static enum key_state load(struct keycache *c, const char *user, const char *home,
                           struct cached_keys **keys_r, char **reason_r)
{
    g_autofree char *why = NULL;
    struct stat place;
    g_hash_table_remove(c->users, user);
    if (stat(home, &place)) /* before the keys are read, so that a later change is noticed next time */
        return says(KEY_UNREADABLE, reason_r, "the key folder cannot be read");
    GPtrArray *keys = keys_by_card(user, home);
    const bool by_card = keys != NULL;
    if (!keys)
        keys = keys_by_gpg(home, &why);
    if (!keys)
        return says(KEY_UNREADABLE, reason_r, why);
    for (guint i = 0; i < keys->len; i++) {
        struct key_info *k = g_ptr_array_index(keys, i);
        k->ring = ring_of(k->file);
    }
    *keys_r = g_new0(struct cached_keys, 1);
    (*keys_r)->by_card = by_card;
    (*keys_r)->doubtful = !by_card && has_trouble(keys);
    (*keys_r)->home = g_strdup(home);
    (*keys_r)->place = place;
    (*keys_r)->keys = keys;
    g_hash_table_insert(c->users, g_strdup(user), *keys_r);
    return KEY_GOOD;
}

static bool is_doubtful(const struct cached_keys *cached)
{
    return cached->by_card ? may_heal(cached->keys) : cached->doubtful;
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
    if (*keys_r && !is_doubtful(*keys_r) && !strcmp((*keys_r)->home, home) &&
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
