/* The card of a generation says what GPGME says of its keys, as long as it is whole and about these key files; else gpg
 * lists them. To see who was asked, a test takes gpg's keyring away: then only the card can answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "gpg/key_card.h"
#include "gpg/keycache.h"
#include "gpg/keyring.h"
#include "gpg/ring.h"
#include "t/unit/gnupg_people.h"

enum { ADD = 1 };

#define A "alice@example.org"
#define B "bob@example.org"

static struct keycache *cache;

static void import(const char *user, const char *of, unsigned flags)
{
    g_autofree char *state_dir = people_state(), *error = NULL;
    g_autofree char *arguments = g_strdup_printf("--export '%s'", of);
    struct keyring_input input = {.add = flags & ADD, .force = true};
    people_output(arguments, &input.text);
    if (keyring_import(state_dir, user, &input, NULL, &error) != EX_OK)
        fail_msg("%s", error);
    bytes_free(&input.text);
}

static char *home_of(const char *user)
{
    g_autofree char *state_dir = people_state();
    char *home = NULL;
    assert_int_equal(keyring_current(state_dir, user, &home), KEYRING_FOUND);
    return home;
}

static char *card_of(const char *home)
{
    return g_build_filename(home, KEY_CARD_FILE, NULL);
}

static GPtrArray *listed(const char *home)
{
    g_autofree char *error = NULL;
    GPtrArray *keys = keyring_keys(home, &error);
    if (!keys)
        fail_msg("%s", error);
    return keys;
}

/* Fails with a reason that holds want; want NULL: works. */
static void assert_card(const char *home, const char *want)
{
    g_autofree char *why = NULL;
    GPtrArray *keys = key_card_read(home, &why);
    assert_int_equal(keys != NULL, want == NULL);
    if (want && !strstr(why ? why : "", want))
        fail_msg("wanted \"%s\", got \"%s\"", want, why ? why : "nothing");
    if (keys)
        g_ptr_array_unref(keys);
}

static void assert_asks(struct keycache *c, const char *user, enum key_state want)
{
    g_autofree char *reason = NULL;
    const enum key_state state = keycache_get(c, user, NULL, NULL, &reason);
    if (state != want)
        fail_msg("%s: wanted %d, got %d: %s", user, want, state, reason ? reason : "no reason");
}

/* The state that a process says which has not asked before. */
static void assert_state(const char *user, enum key_state want)
{
    g_autofree char *state_dir = people_state();
    struct keycache *c = keycache_new(state_dir);
    assert_asks(c, user, want);
    keycache_free(&c);
}

static void hide_from_gpg(const char *home, bool hidden)
{
    g_autofree char *there = g_build_filename(home, "pubring.kbx", NULL), *away = g_strconcat(there, ".away", NULL);
    assert_int_equal(hidden ? rename(there, away) : rename(away, there), 0);
}

static void put_card(const char *home, const GByteArray *card)
{
    g_autofree char *path = card_of(home);
    assert_true(g_file_set_contents(path, (const char *)card->data, (gssize)card->len, NULL));
}

static GByteArray *taken_card(const char *home)
{
    g_autofree char *path = card_of(home);
    char *text = NULL;
    gsize len;
    assert_true(g_file_get_contents(path, &text, &len, NULL));
    return g_byte_array_new_take((guint8 *)text, len);
}

/* Puts in place a card that says something else of the user's first key. */
static void forge(const char *home, void (*change)(struct key_info *k))
{
    g_autofree char *why = NULL;
    GPtrArray *keys = key_card_read(home, &why);
    assert_non_null(keys);
    change(g_ptr_array_index(keys, 0));
    GByteArray *card = key_card_pack(keys);
    put_card(home, card);
    g_byte_array_unref(card);
    g_ptr_array_unref(keys);
}

static int make_people(void **state)
{
    if (people_open(state))
        return -1;
    g_autofree char *state_dir = people_state();
    people_curve("Alice <" A ">", "never");
    people_curve("B\xc3\xb6" "b <" B ">", "10d");
    people_rsa("rsa@example.org");
    cache = keycache_new(state_dir);
    return 0;
}

static int forget_people(void **state)
{
    keycache_free(&cache);
    return people_close(state);
}

/* ---- what it says ---- */

static void assert_same_key(const struct key_info *a, const struct key_info *b)
{
    assert_string_equal(a->fingerprint, b->fingerprint);
    assert_string_equal(a->algorithm, b->algorithm);
    assert_string_equal(a->user_id, b->user_id);
    assert_string_equal(a->file, b->file);
    assert_int_equal(a->addresses->len, b->addresses->len);
    for (guint i = 0; i < a->addresses->len; i++)
        assert_string_equal(a->addresses->pdata[i], b->addresses->pdata[i]);
    assert_int_equal(a->ids->len, b->ids->len);
    assert_memory_equal(a->ids->data, b->ids->data, a->ids->len * sizeof(guint64));
    assert_int_equal(a->revoked, b->revoked);
    assert_int_equal(a->created, b->created);
    assert_int_equal(a->key_ends, b->key_ends);
    assert_int_equal(a->has_subkey, b->has_subkey);
    assert_int_equal(a->subkey_starts, b->subkey_starts);
    assert_int_equal(a->subkey_ends, b->subkey_ends);
}

static void assert_same_as_listed(const char *user, guint count)
{
    g_autofree char *home = home_of(user), *why = NULL;
    GPtrArray *by_card = key_card_read(home, &why), *by_gpg = listed(home);
    assert_non_null(by_card);
    assert_int_equal(by_card->len, count);
    assert_int_equal(by_gpg->len, count);
    for (guint i = 0; i < count; i++)
        assert_same_key(by_card->pdata[i], by_gpg->pdata[i]);
    g_ptr_array_unref(by_card);
    g_ptr_array_unref(by_gpg);
}

/* Nothing takes a revocation back, so gpg need not be asked again. */
static void assert_revoked_by_card(const char *user)
{
    g_autofree char *home = home_of(user);
    hide_from_gpg(home, true);
    assert_state(user, KEY_BAD);
    hide_from_gpg(home, false);
    assert_state(user, KEY_BAD);
}

static void says_what_gpg_says(void **state)
{
    (void)state;
    const char *who = "revoked@example.org", *many = "many@example.org";
    import(A, A, 0);
    assert_same_as_listed(A, 1);
    import(A, B, ADD);
    import(A, "rsa@example.org", ADD);
    assert_same_as_listed(A, 3);
    people_curve(who, "never");
    import(who, who, 0);
    people_revoke(who);
    import(who, who, 0);
    assert_same_as_listed(who, 1);
    assert_revoked_by_card(who);
    people_curve(many, "never");
    people_gpg("--quick-add-uid %s 'Many <much@example.org>'", many);
    g_autofree char *fingerprint = NULL, *home = NULL;
    import(many, many, 0);
    home = home_of(many);
    GPtrArray *keys = listed(home);
    fingerprint = g_strdup(((struct key_info *)g_ptr_array_index(keys, 0))->fingerprint);
    g_ptr_array_unref(keys);
    people_gpg("--quick-add-key %s cv25519 encr 20d", fingerprint);
    people_gpg("--quick-add-key %s rsa2048 encr 40d", fingerprint);
    import(many, many, 0);
    assert_same_as_listed(many, 1);
}

/* ---- who is asked ---- */

static void card_is_read_in_place_of_gpg(void **state)
{
    (void)state;
    g_autofree char *home = NULL, *path = NULL;
    GPtrArray *by_card = g_ptr_array_new_with_free_func(g_free), *by_gpg = g_ptr_array_new_with_free_func(g_free);
    import(B, B, 0);
    home = home_of(B);
    path = card_of(home);
    hide_from_gpg(home, true);
    assert_state(B, KEY_GOOD);
    assert_int_equal(keycache_get(cache, B, NULL, by_card, NULL), KEY_GOOD);
    assert_int_equal(unlink(path), 0);
    assert_state(B, KEY_UNREADABLE);
    hide_from_gpg(home, false);
    assert_state(B, KEY_GOOD); /* a generation that an older filterd made has none */
    assert_int_equal(keycache_get(cache, B, NULL, by_gpg, NULL), KEY_GOOD);
    assert_int_equal(by_card->len, 1);
    assert_int_equal(by_gpg->len, 1);
    assert_string_equal(by_card->pdata[0], by_gpg->pdata[0]);
    assert_true(ring_is(by_card->pdata[0]));
    g_ptr_array_unref(by_card);
    g_ptr_array_unref(by_gpg);
}

static void changed_keys_are_not_used_from_the_cache(void **state)
{
    (void)state;
    g_autofree char *state_dir = people_state(), *error = NULL, *old = NULL, *new = NULL;
    const struct cached_keys *cached = NULL;
    const char *who = "turn@example.org";
    people_curve(who, "never");
    import(who, who, 0);
    assert_int_equal(keycache_get(cache, who, &cached, NULL, NULL), KEY_GOOD);
    assert_true(cached->by_card);
    old = g_strdup(((struct key_info *)g_ptr_array_index(cached->keys, 0))->fingerprint);
    assert_int_equal(keyring_remove(state_dir, who, NULL, NULL, &error), EX_OK);
    assert_asks(cache, who, KEY_NONE);
    import(who, A, 0);
    assert_int_equal(keycache_get(cache, who, &cached, NULL, NULL), KEY_GOOD);
    new = g_strdup(((struct key_info *)g_ptr_array_index(cached->keys, 0))->fingerprint);
    assert_string_not_equal(old, new);
    import(who, who, ADD);
    assert_int_equal(keycache_get(cache, who, &cached, NULL, NULL), KEY_GOOD);
    assert_int_equal(cached->keys->len, 2);
    assert_int_equal(keyring_remove(state_dir, who, new, NULL, &error), EX_OK);
    assert_same_as_listed(who, 1);
    people_revoke(who);
    import(who, who, 0);
    assert_asks(cache, who, KEY_BAD);
}

/* ---- cards that are not believed ---- */

static void damaged_cards(void **state)
{
    (void)state;
    g_autofree char *home = home_of(A);
    GByteArray *card = taken_card(home);
    for (guint len = 0; len < card->len; len++) {
        GByteArray part = {card->data, len};
        put_card(home, &part);
        assert_card(home, "the key card");
    }
    for (guint i = 0; i < card->len; i++) {
        card->data[i] ^= 4;
        put_card(home, card);
        assert_card(home, "the key card");
        card->data[i] ^= 4;
    }
    card->data[card->len - 1] ^= 1;
    put_card(home, card);
    assert_state(A, KEY_GOOD); /* gpg is asked */
    hide_from_gpg(home, true);
    assert_state(A, KEY_UNREADABLE);
    hide_from_gpg(home, false);
    card->data[card->len - 1] ^= 1;
    put_card(home, card);
    assert_card(home, NULL);
    g_byte_array_unref(card);
}

static void other_cards(void **state)
{
    (void)state;
    g_autofree char *home = home_of(A), *path = card_of(home);
    GByteArray *card = taken_card(home);
    char *version = (char *)memchr(card->data, '1', card->len);
    *version = '2';
    key_card_sign(card);
    put_card(home, card);
    assert_card(home, "another version");
    *version = '1';
    card->data[card->len - 1] ^= 1; /* an offset in the GVariant */
    key_card_sign(card);
    put_card(home, card);
    assert_card(home, "malformed");
    card->data[card->len - 1] ^= 1;
    char *user_id = memmem(card->data, card->len, "Alice <", 7);
    user_id[1] = '\xff'; /* no UTF-8 */
    key_card_sign(card);
    put_card(home, card);
    assert_card(home, "malformed");
    g_byte_array_set_size(card, KEY_CARD_MAX_BYTES + 1);
    put_card(home, card);
    assert_card(home, "cannot be read");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody waits for its other end */
    assert_card(home, "cannot be read");
    assert_state(A, KEY_GOOD);
    assert_int_equal(unlink(path), 0);
    import(A, A, 0);
    g_byte_array_unref(card);
}

static void name_a_path(struct key_info *k)
{
    memcpy(k->fingerprint, "../", 3);
}

static void end_before_all_time(struct key_info *k)
{
    k->key_ends = -1;
}

static void have_no_digest(struct key_info *k)
{
    k->digest[0] = 'g';
}

static void cards_that_no_key_has(void **state)
{
    (void)state;
    void (*const changes[])(struct key_info *) = {name_a_path, end_before_all_time, have_no_digest};
    g_autofree char *home = home_of(A);
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        GByteArray *right = taken_card(home);
        forge(home, changes[i]);
        assert_card(home, "malformed");
        put_card(home, right);
        g_byte_array_unref(right);
    }
    g_autofree char *why = NULL;
    GPtrArray *keys = key_card_read(home, &why), *twice = g_ptr_array_new(), *none = g_ptr_array_new();
    g_ptr_array_add(twice, keys->pdata[0]);
    g_ptr_array_add(twice, keys->pdata[0]);
    GByteArray *card = key_card_pack(twice), *empty = key_card_pack(none);
    put_card(home, card);
    assert_card(home, "malformed");
    put_card(home, empty);
    assert_card(home, "malformed");
    g_byte_array_unref(card);
    g_byte_array_unref(empty);
    g_ptr_array_unref(twice);
    g_ptr_array_unref(none);
    g_ptr_array_unref(keys);
    import(A, A, 0);
}

static void other_key_files(void **state)
{
    (void)state;
    const char *who = "file@example.org";
    people_curve(who, "never");
    import(who, who, 0);
    g_autofree char *home = home_of(who), *text = NULL;
    GPtrArray *keys = listed(home);
    const char *file = ((struct key_info *)g_ptr_array_index(keys, 0))->file;
    gsize len;
    assert_true(g_file_get_contents(file, &text, &len, NULL));
    text[len - 1] ^= 1;
    assert_true(g_file_set_contents(file, text, (gssize)len, NULL));
    assert_card(home, "another key file");
    text[len - 1] ^= 1;
    assert_true(g_file_set_contents(file, text, (gssize)len, NULL));
    assert_card(home, NULL);
    hide_from_gpg(home, true);
    assert_state(who, KEY_GOOD);
    people_shell("cp '%s' '%s/0123456789012345678901234567890123456789.pgp'", file, home);
    assert_state(who, KEY_UNREADABLE); /* one more key than the card has */
    people_shell("rm '%s'/*.pgp", home);
    assert_card(home, "another key file");
    assert_state(who, KEY_UNREADABLE);
    g_ptr_array_unref(keys);
}

/* ---- time ---- */

static void end_soon(struct key_info *k)
{
    k->key_ends = g_get_real_time() / G_USEC_PER_SEC + 3;
}

static void end_subkey_soon(struct key_info *k)
{
    k->subkey_ends = g_get_real_time() / G_USEC_PER_SEC + 3;
}

/* Has the cache read such a card while the key was good; on a busy machine it may end before. */
static void cache_forged(const char *user, const char *home, void (*change)(struct key_info *k))
{
    const struct cached_keys *cached = NULL;
    enum key_state state = KEY_BAD;
    for (int i = 0; i < 20 && (state != KEY_GOOD || !cached->by_card); i++) {
        forge(home, change);
        state = keycache_get(cache, user, &cached, NULL, NULL);
    }
    assert_int_equal(state, KEY_GOOD);
    assert_true(cached->by_card);
}

static void keys_end_in_the_cache(void **state)
{
    (void)state;
    const char *who = "ends@example.org";
    people_curve(who, "never");
    import(who, who, 0);
    g_autofree char *home = home_of(who), *reason = NULL;
    enum key_state now = KEY_GOOD;
    hide_from_gpg(home, true); /* all is from the card */
    cache_forged(who, home, end_soon);
    for (int i = 0; i < 600 && now == KEY_GOOD; i++) {
        g_usleep(100000);
        g_clear_pointer(&reason, g_free);
        now = keycache_get(cache, who, NULL, NULL, &reason);
    }
    assert_int_equal(now, KEY_BAD);
    assert_non_null(strstr(reason, ": expired"));
}

/* Another subkey may count by now. */
static void gpg_is_asked_when_a_subkey_ends(void **state)
{
    (void)state;
    const char *who = "subkey@example.org";
    const struct cached_keys *cached = NULL;
    people_curve(who, "never");
    import(who, who, 0);
    g_autofree char *home = home_of(who);
    cache_forged(who, home, end_subkey_soon);
    for (int i = 0; i < 600 && (!cached || cached->by_card); i++) {
        g_usleep(100000);
        keycache_get(cache, who, &cached, NULL, NULL);
    }
    assert_false(cached->by_card);
    assert_asks(cache, who, KEY_GOOD);
}

static void start_later(struct key_info *k)
{
    k->subkey_starts = g_get_real_time() / G_USEC_PER_SEC + 86400;
}

static void have_no_subkey(struct key_info *k)
{
    k->has_subkey = false;
}

static void have_an_old_subkey(struct key_info *k)
{
    k->subkey_ends = k->subkey_starts + 1;
}

/* What time may heal is no longer for the card to say: gpg knows whether it has. */
static void gpg_is_asked_about_subkeys(void **state)
{
    (void)state;
    void (*const changes[])(struct key_info *) = {start_later, have_no_subkey, have_an_old_subkey};
    import(A, A, 0);
    g_autofree char *home = home_of(A);
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        GByteArray *right = taken_card(home);
        forge(home, changes[i]);
        assert_state(A, KEY_GOOD);
        hide_from_gpg(home, true);
        assert_state(A, KEY_UNREADABLE);
        hide_from_gpg(home, false);
        put_card(home, right);
        g_byte_array_unref(right);
    }
}

/* ---- written ---- */

static void assert_not_written(const char *home, GPtrArray *keys)
{
    g_autofree char *path = card_of(home), *error = NULL;
    unlink(path);
    assert_true(key_card_write(home, keys, &error));
    assert_int_not_equal(access(path, F_OK), 0);
    g_ptr_array_unref(keys);
}

static void no_card_of_a_list_that_ended_early(void **state)
{
    (void)state;
    g_autofree char *home = home_of(A), *error = NULL;
    import(A, B, ADD);
    g_free(home);
    home = home_of(A);
    GPtrArray *keys = listed(home);
    g_ptr_array_set_size(keys, 1);
    assert_not_written(home, keys);
    keys = listed(home);
    ((struct key_info *)g_ptr_array_index(keys, 1))->has_subkey = false;
    assert_not_written(home, keys);
    keys = listed(home);
    g_array_set_size(((struct key_info *)g_ptr_array_index(keys, 1))->ids, 1);
    assert_not_written(home, keys);
    keys = listed(home);
    assert_true(key_card_write(home, keys, &error));
    assert_card(home, NULL);
    g_ptr_array_unref(keys);
}

/* gpg's list may end early each time, at the same subkey. */
static void no_card_of_fewer_subkeys_than_the_file_has(void **state)
{
    (void)state;
    const char *who = "more@example.org";
    people_curve(who, "never");
    import(who, who, 0);
    g_autofree char *home = home_of(who);
    GPtrArray *keys = listed(home);
    const struct key_info *k = g_ptr_array_index(keys, 0);
    people_gpg("--quick-add-key %s cv25519 encr never", k->fingerprint);
    people_shell("gpg --homedir '%s/home' --export '%s' > '%s'", people_dir, who, k->file);
    assert_not_written(home, keys);
}

static void what_is_not_utf8_has_no_card(void **state)
{
    (void)state;
    g_autofree char *home = home_of(B), *why = NULL;
    import(B, B, 0);
    g_free(home);
    home = home_of(B);
    GPtrArray *keys = key_card_read(home, &why);
    struct key_info *k = g_ptr_array_index(keys, 0);
    g_ptr_array_add(k->addresses, g_strdup("\xff@example.org"));
    assert_null(key_card_pack(keys));
    g_ptr_array_unref(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_gpg_says),
        cmocka_unit_test(card_is_read_in_place_of_gpg),
        cmocka_unit_test(changed_keys_are_not_used_from_the_cache),
        cmocka_unit_test(damaged_cards),
        cmocka_unit_test(other_cards),
        cmocka_unit_test(cards_that_no_key_has),
        cmocka_unit_test(other_key_files),
        cmocka_unit_test(keys_end_in_the_cache),
        cmocka_unit_test(gpg_is_asked_when_a_subkey_ends),
        cmocka_unit_test(gpg_is_asked_about_subkeys),
        cmocka_unit_test(no_card_of_a_list_that_ended_early),
        cmocka_unit_test(no_card_of_fewer_subkeys_than_the_file_has),
        cmocka_unit_test(what_is_not_utf8_has_no_card),
    };
    return cmocka_run_group_tests(tests, make_people, forget_people);
}
