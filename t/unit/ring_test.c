/* A ring (gpg's keybox of one key) is used as long as its key file is the same, and keeps gpg's note about
 * the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "gpg/engine.h"
#include "gpg/engine_text.h"
#include "gpg/keyring.h"
#include "gpg/ring.h"
#include "t/unit/gnupg_people.h"

#define WHO "curve@example.org"

static bool import(const char *user, char **error_r)
{
    struct keyring_input input = {0};
    g_autofree char *state_dir = people_state();
    g_autofree char *arguments = g_strdup_printf("--export '%s'", user);
    people_output(arguments, &input.text);
    const bool ok = keyring_import(state_dir, user, &input, NULL, error_r) == EX_OK;
    bytes_free(&input.text);
    return ok;
}

static struct key_info *found(const char *user)
{
    struct key_info *key = NULL;
    g_autofree char *state_dir = people_state(), *error = NULL, *home = NULL;
    assert_int_equal(keyring_current(state_dir, user, &home), KEYRING_FOUND);
    GPtrArray *keys = keyring_keys(home, &error);
    assert_int_equal(keys->len, 1);
    g_ptr_array_set_free_func(keys, NULL);
    key = g_ptr_array_index(keys, 0);
    g_ptr_array_unref(keys);
    return key;
}

/* Imported, and found again; key_info_free. */
static struct key_info *key_of(const char *user)
{
    g_autofree char *error = NULL;
    if (!import(user, &error))
        fail_msg("%s", error);
    return found(user);
}

static int count(const struct bytes *text, const char *word)
{
    int n = 0;
    for (const char *p = (char *)text->data; p && (p = strstr(p, word)); p++)
        n++;
    return n;
}

/* The number of keys it is encrypted to; 0: it failed. */
static int encrypts(const char *first, const char *second, char **error_r)
{
    const struct engine_text text = {.part = {"hello", ""}, .len = {5, 0}};
    g_autofree char *home = g_path_get_dirname(first);
    struct bytes out = {0};
    GPtrArray *files = g_ptr_array_new();
    g_ptr_array_add(files, (char *)first);
    if (second)
        g_ptr_array_add(files, (char *)second);
    const bool ok = engine_encrypt(home, &text, files, &out, error_r);
    struct bytes list = {0};
    g_autofree char *name = g_strdup_printf("%s/encrypted", people_dir);
    g_autofree char *arguments = g_strdup_printf("--list-packets --list-only '%s'", name);
    if (ok && g_file_set_contents(name, (char *)out.data, (gssize)out.len, NULL))
        people_output(arguments, &list);
    const int keys = count(&list, ":pubkey enc packet:");
    assert_int_equal(keys > 0, ok);
    g_ptr_array_unref(files);
    bytes_free(&out);
    bytes_free(&list);
    return keys;
}

static bool encrypts_to(const char *first, const char *second, char **error_r)
{
    return encrypts(first, second, error_r) > 0;
}

static void assert_refused(const char *ring, const char *want)
{
    g_autofree char *error = NULL;
    assert_false(encrypts_to(ring, NULL, &error));
    if (!strstr(error, want))
        fail_msg("wanted \"%s\", got \"%s\"", want, error);
}

static int make_people(void **state)
{
    if (people_open(state))
        return -1;
    people_curve(WHO, "never");
    return 0;
}

/* Without this the ring would cost as much as the key file. */
static void notes_all_signatures(void **state)
{
    (void)state;
    struct key_info *k = key_of(WHO);
    g_autofree char *ring = ring_of(k->file), *arguments = NULL;
    struct bytes list = {0};
    assert_non_null(ring);
    assert_true(ring_is(ring));
    assert_false(ring_is(k->file));
    arguments = g_strdup_printf("--list-packets '%s'", ring);
    people_output(arguments, &list);
    assert_int_equal(count(&list, ":signature packet:"), 2);
    assert_int_equal(count(&list, "sigcache=03"), 2);
    bytes_free(&list);
    key_info_free(k);
}

static void stands_for_its_file(void **state)
{
    (void)state;
    struct key_info *k = key_of(WHO);
    g_autofree char *ring = ring_of(k->file), *error = NULL, *away = NULL;
    g_autofree char *file = ring_key_file(ring), *name = ring_key(ring);
    assert_string_equal(file, k->file);
    assert_string_equal(name, k->fingerprint);
    assert_true(encrypts_to(ring, NULL, &error));
    assert_true(encrypts_to(ring, k->file, &error));
    away = g_strconcat(k->file, ".away", NULL);
    assert_int_equal(rename(k->file, away), 0);
    assert_true(encrypts_to(ring, NULL, &error)); /* it was not the file */
    assert_null(ring_of(k->file));
    assert_int_equal(rename(away, k->file), 0);
    assert_int_equal(unlink(ring), 0);
    assert_null(ring_of(k->file));
    assert_true(encrypts_to(ring, NULL, &error)); /* now it is */
    key_info_free(k);
}

/* A flipped bit on the disk: gpg, which trusts its note, would encrypt to a key that nobody has. */
static void another_key_is_none(void **state)
{
    (void)state;
    struct key_info *k = key_of(WHO);
    g_autofree char *ring = ring_of(k->file), *text = NULL;
    gsize len;
    assert_true(g_file_get_contents(ring, &text, &len, NULL));
    for (gsize i = 0; i < len; i++) {
        g_autofree char *again = NULL, *bad = g_memdup2(text, len);
        bad[i] ^= 4;
        assert_true(g_file_set_contents(ring, bad, (gssize)len, NULL));
        again = ring_of(k->file);
        if (again) /* then it was in a note: what the key is made of has not changed */
            assert_true(encrypts_to(again, NULL, &(char *){NULL}));
    }
    assert_true(g_file_set_contents(ring, text, (gssize)len / 2, NULL));
    assert_null(ring_of(k->file));
    assert_true(g_file_set_contents(ring, "", 0, NULL));
    assert_null(ring_of(k->file));
    key_info_free(k);
}

/* Two users have the same key, one of them in an older state, with another subkey. */
static void each_has_his_own_copy(void **state)
{
    (void)state;
    g_autofree char *error = NULL, *old_ring = NULL, *new_ring = NULL, *home = NULL, *other = NULL;
    people_curve("twice@example.org", "never");
    struct key_info *k = key_of("twice@example.org");
    home = g_path_get_dirname(k->file);
    other = g_strdup_printf("%s/other", people_dir);
    people_shell("cp -r '%s' '%s'", home, other);
    g_autofree char *first = g_strdup_printf("%s/%s.pgp", other, k->fingerprint);
    const gint64 second = g_get_real_time() / G_USEC_PER_SEC; /* of two made in one gpg takes either */
    while (g_get_real_time() / G_USEC_PER_SEC <= second)
        g_usleep(10000);
    assert_int_equal(people_gpg("--quick-add-key %s cv25519 encr never", k->fingerprint), 0);
    people_shell("gpg --homedir '%s/home' --export '%s' > '%s'", people_dir, k->fingerprint, k->file);
    assert_true(ring_make(k->file));
    old_ring = ring_of(first);
    new_ring = ring_of(k->file);
    assert_non_null(old_ring);
    assert_non_null(new_ring);
    assert_int_equal(encrypts(old_ring, new_ring, &error), 2);
    assert_int_equal(encrypts(new_ring, old_ring, &error), 2);
    assert_int_equal(encrypts(new_ring, NULL, &error), 1);
    key_info_free(k);
}

/* On a busy machine a key may expire before it was used. */
static void gpg_still_looks_at_the_clock(void **state)
{
    (void)state;
    bool used = false;
    for (int seconds = 4; !used && seconds < 200; seconds *= 2) {
        g_autofree char *user = g_strdup_printf("short%d@example.org", seconds), *error = NULL;
        g_autofree char *expires = g_strdup_printf("seconds=%d", seconds);
        people_curve(user, expires);
        if (!import(user, &error))
            continue;
        struct key_info *k = found(user);
        g_autofree char *ring = ring_of(k->file), *refused = NULL;
        used = ring && encrypts_to(ring, NULL, &refused);
        while (used && g_get_real_time() / G_USEC_PER_SEC <= k->key_ends)
            sleep(1);
        if (used)
            assert_refused(ring, "gpg refuses");
        key_info_free(k);
    }
    assert_true(used);
}

static void gpg_still_looks_for_revocations(void **state)
{
    (void)state;
    struct key_info *k = key_of(WHO);
    people_revoke(WHO);
    people_shell("gpg --homedir '%s/home' --export '" WHO "' > '%s'", people_dir, k->file);
    assert_null(ring_of(k->file)); /* the ring is of the key before */
    assert_true(ring_make(k->file));
    g_autofree char *ring = ring_of(k->file);
    assert_refused(ring, "gpg refuses");
    key_info_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_all_signatures),
        cmocka_unit_test(stands_for_its_file),
        cmocka_unit_test(another_key_is_none),
        cmocka_unit_test(each_has_his_own_copy),
        cmocka_unit_test(gpg_still_looks_at_the_clock),
        cmocka_unit_test(gpg_still_looks_for_revocations),
    };
    return cmocka_run_group_tests(tests, make_people, people_close);
}
