/* What key import accepts and refuses, and how generations of a user's keys follow each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "gpg/keyring.h"
#include "t/unit/gnupg_people.h"

enum { ADD = 1, FORCE = 2 };

#define A "alice@example.org"
#define B "bob@example.org"

static int make_people(void **state)
{
    if (people_open(state))
        return -1;
    people_curve("Alice <" A ">", "never");
    people_curve("Bob <" B ">", "10d");
    people_curve("revoked@example.org", "never");
    people_gpg("--faked-system-time 20200101T000000! --quick-gen-key expired@example.org "
               "future-default default 2020-02-01");
    people_gpg("--quick-gen-key sign@example.org ed25519 sign never");
    return 0;
}

/* *error_r in *message is checked to hold want. */
static int import(const char *user, const struct bytes *input, unsigned flags, const char *want)
{
    g_autofree char *state_dir = people_state(), *error = NULL;
    const struct keyring_input in = {.text = *input, .add = flags & ADD, .force = flags & FORCE};
    int rc = keyring_import(state_dir, user, &in, NULL, &error);
    if (want && (!error || !strstr(error, want)))
        fail_msg("wanted \"%s\", got \"%s\"", want, error ? error : "nothing");
    if (!want && error)
        fail_msg("%s", error);
    return rc;
}

static int import_of(const char *user, const char *arguments, unsigned flags, const char *want)
{
    struct bytes input = {0};
    people_output(arguments, &input);
    int rc = import(user, &input, flags, want);
    bytes_free(&input);
    return rc;
}

static GPtrArray *keys_of(const char *user, char **home_r)
{
    g_autofree char *state_dir = people_state(), *error = NULL;
    if (keyring_current(state_dir, user, home_r) != KEYRING_FOUND)
        return NULL;
    return keyring_keys(*home_r, &error);
}

static int count_keys(const char *user)
{
    g_autofree char *home = NULL;
    GPtrArray *keys = keys_of(user, &home);
    int count = keys ? (int)keys->len : -1;
    if (keys)
        g_ptr_array_unref(keys);
    return count;
}

static void forget(const char *user)
{
    g_autofree char *state_dir = people_state(), *error = NULL;
    assert_int_equal(keyring_remove(state_dir, user, NULL, NULL, &error), EX_OK);
    assert_int_equal(count_keys(user), -1);
}

static void refuses(void **state)
{
    (void)state;
    struct bytes none = {0}, junk = {0}, disguised = {0};
    bytes_adds(&junk, "hello\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nhello\n");
    assert_int_equal(import(A, &none, 0, "no key in the input"), EX_DATAERR);
    assert_int_equal(import(A, &junk, 0, "no key in the input"), EX_DATAERR);
    assert_int_equal(import_of(A, "--export " A " " B, 0, "several keys"), EX_DATAERR);
    assert_int_equal(import_of(A, "--armor --export " A " " B, 0, "several keys"), EX_DATAERR);
    assert_int_equal(import_of(A, "--export-secret-keys " A, 0, "SECRET KEY"), EX_DATAERR);
    assert_int_equal(import_of(A, "--armor --export-secret-keys " A, 0, "SECRET KEY"), EX_DATAERR);
    people_output("--armor --export-secret-keys " A " | sed s/PRIVATE/PUBLIC/", &disguised);
    assert_int_equal(import(A, &disguised, 0, "SECRET KEY"), EX_DATAERR);
    assert_int_equal(import_of(A, "--export expired@example.org", FORCE, "expired"),
                     EX_DATAERR);
    assert_int_equal(import_of(A, "--export sign@example.org", FORCE,
                               "no encryption subkey"), EX_DATAERR);
    assert_int_equal(import_of(A, "--export " B, 0, "--force"), EX_DATAERR);
    assert_int_equal(count_keys(A), -1);
    assert_int_not_equal(people_shell("ls -A '%s/state/keys' | grep -qv '^.lock$'", people_dir), 0);
    bytes_free(&junk);
    bytes_free(&disguised);
}

static void describes(void **state)
{
    (void)state;
    g_autofree char *home = NULL;
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    assert_int_equal(import_of(B, "--export " B, 0, NULL), EX_OK);
    GPtrArray *keys = keys_of(B, &home);
    assert_non_null(keys);
    const struct key_info *k = g_ptr_array_index(keys, 0);
    assert_string_equal(k->algorithm, "ed25519/cv25519");
    assert_string_equal(k->user_id, "Bob <" B ">");
    assert_string_equal(g_ptr_array_index(k->addresses, 0), B);
    assert_true(key_info_ends(k) > now + 9 * 86400 && key_info_ends(k) < now + 11 * 86400);
    assert_null(key_info_trouble(k, now));
    assert_string_equal(key_info_trouble(k, now + 11 * 86400), "expired");
    assert_string_equal(key_info_trouble(k, now - 86400), "made in the future");
    assert_int_equal(access(k->file, R_OK), 0);
    g_ptr_array_unref(keys);
    forget(B);
}

static void one_key_or_more(void **state)
{
    (void)state;
    g_autofree char *home = NULL;
    assert_int_equal(import_of(A, "--armor --export " A, 0, NULL), EX_OK);
    assert_int_equal(import_of(A, "--export " A, 0, NULL), EX_OK);
    assert_int_equal(count_keys(A), 1);
    assert_int_equal(import_of(A, "--export " B, FORCE, "--add"), EX_DATAERR);
    assert_int_equal(count_keys(A), 1);
    assert_int_equal(import_of(A, "--export " B, FORCE | ADD, NULL), EX_OK);
    assert_int_equal(count_keys(A), 2);
    assert_int_equal(import_of(A, "--export " A, 0, NULL), EX_OK);
    assert_int_equal(count_keys(A), 2);

    g_autofree char *state_dir = people_state(), *error = NULL, *again = NULL;
    GPtrArray *keys = keys_of(A, &home);
    g_autofree char *first = g_strdup(((struct key_info *)g_ptr_array_index(keys, 0))->fingerprint);
    g_ptr_array_unref(keys);
    assert_int_equal(keyring_remove(state_dir, A, first, NULL, &error), EX_OK);
    assert_int_equal(count_keys(A), 1);
    assert_int_equal(keyring_remove(state_dir, A, first, NULL, &again), EX_NOUSER);
    forget(A);
}

/* The previous generation stays for readers; older ones are removed. */
static void generations(void **state)
{
    (void)state;
    g_autofree char *home = NULL;
    for (int i = 0; i < 4; i++)
        assert_int_equal(import_of(A, "--export " A, 0, NULL), EX_OK);
    g_ptr_array_unref(keys_of(A, &home));
    assert_true(g_str_has_suffix(home, "/gen-4"));
    assert_int_equal(people_shell("test \"$(ls '%s/state/keys/" A "' | xargs)\" = "
                                  "'current gen-3 gen-4'", people_dir), 0);
    assert_int_equal(people_shell("test -z \"$(find '%s/state/keys' -perm /007 ! -type l)\"",
                                  people_dir), 0);
    forget(A);
}

static void takes_a_revocation_in(void **state)
{
    (void)state;
    g_autofree char *home = NULL;
    const char *all = "--export revoked@example.org", *who = "revoked@example.org";
    struct bytes before = {0};
    people_output(all, &before);
    assert_int_equal(import(who, &before, 0, NULL), EX_OK);
    people_revoke(who);
    assert_int_equal(import_of(who, all, 0, NULL), EX_OK);
    assert_int_equal(import(who, &before, 0, NULL), EX_OK); /* an old copy takes nothing back */
    GPtrArray *keys = keys_of(who, &home);
    assert_string_equal(key_info_trouble(g_ptr_array_index(keys, 0), 0), "revoked");
    g_ptr_array_unref(keys);
    bytes_free(&before);
    forget(who);
    assert_int_equal(import_of(who, all, 0, "revoked"), EX_DATAERR);
}

static void see_user(const char *user, void *arg)
{
    g_string_append_printf(arg, "%s;", user);
}

static void lists_users(void **state)
{
    (void)state;
    static const char longest[] =
        "a-very-long-name-a-very-long-name-a-very-long-name-a-very-long-1@"
        "a-very-long-domain-a-very-long-domain-a-very-long-domain-a-very-long-domain-a-very-long-"
        "domain-a-very-long-domain-a-very-long-domain-a-very-long-domain-a-very.example.org";
    g_autofree char *state_dir = people_state();
    GString *seen = g_string_new(NULL);
    assert_int_equal(import_of("o'hara/x@example.org", "--export " A, FORCE, NULL), EX_OK);
    assert_int_equal(import_of(longest, "--export " A, FORCE, NULL), EX_OK);
    assert_true(keyring_each_user(state_dir, see_user, seen));
    assert_non_null(strstr(seen->str, "o'hara/x@example.org;"));
    assert_non_null(strstr(seen->str, longest));
    g_string_free(seen, TRUE);
    forget(longest);
    forget("o'hara/x@example.org");
}

/* Someone who notes, and remembers what lay in the key folder's place at that moment. */
struct notes {
    bool fails;
    GString *seen;
};

static bool note(const char *user, bool has_keys, void *arg, char **error_r)
{
    static const char *const there[] = {"unreadable", "none", "broken", "found"};
    struct notes *n = arg;
    g_autofree char *state_dir = people_state(), *home = NULL;
    g_string_append_printf(n->seen, "%s:%s;", has_keys ? "keys" : "none", there[keyring_current(state_dir, user, &home)]);
    if (n->fails)
        *error_r = g_strdup("the disk is full");
    return !n->fails;
}

static void assert_seen(struct notes *n, const char *want)
{
    assert_string_equal(n->seen->str, want);
    g_string_truncate(n->seen, 0);
}

/* The note stands before the folder does, and goes after it: at every moment there is at least one of them. */
static void notes(void **state)
{
    (void)state;
    struct notes n = {.seen = g_string_new(NULL)};
    const struct keyring_notes as = {note, &n};
    g_autofree char *state_dir = people_state(), *first = NULL, *error = NULL;
    struct keyring_input in = {.notes = &as};
    people_output("--export " A, &in.text);
    n.fails = true;
    assert_int_equal(keyring_import(state_dir, A, &in, NULL, &error), EX_TEMPFAIL);
    assert_string_equal(error, "the disk is full");
    assert_seen(&n, "keys:none;");
    assert_int_equal(count_keys(A), -1); /* without the note no folder */
    g_clear_pointer(&error, g_free);
    n.fails = false;
    assert_int_equal(keyring_import(state_dir, "other@example.org", &in, NULL, &error), EX_DATAERR);
    assert_seen(&n, ""); /* what is refused is not noted */
    g_clear_pointer(&error, g_free);
    assert_int_equal(keyring_import(state_dir, A, &in, NULL, &error), EX_OK);
    assert_seen(&n, "keys:none;");
    assert_int_equal(import_of(A, "--export " B, FORCE | ADD, NULL), EX_OK);
    g_autofree char *home = NULL;
    GPtrArray *keys = keys_of(A, &home);
    first = g_strdup(((struct key_info *)g_ptr_array_index(keys, 0))->fingerprint);
    g_ptr_array_unref(keys);
    assert_int_equal(keyring_remove(state_dir, A, first, &as, &error), EX_OK);
    assert_seen(&n, ""); /* one is left */
    n.fails = true;
    assert_int_equal(keyring_remove(state_dir, A, NULL, &as, &error), EX_TEMPFAIL);
    assert_non_null(strstr(error, "mail waits until that is noted"));
    assert_seen(&n, "none:none;");
    g_clear_pointer(&error, g_free);
    n.fails = false;
    assert_int_equal(keyring_remove(state_dir, A, NULL, &as, &error), EX_NOUSER);
    assert_seen(&n, "none:none;");
    g_string_free(n.seen, TRUE);
    bytes_free(&in.text);
}

static void a_folder_without_link_is_broken(void **state)
{
    (void)state;
    g_autofree char *state_dir = people_state(), *home = NULL;
    assert_int_equal(keyring_current(state_dir, A, &home), KEYRING_NONE);
    assert_int_equal(import_of(A, "--export " A, 0, NULL), EX_OK);
    people_shell("rm '%s/state/keys/" A "/current'", people_dir);
    assert_int_equal(keyring_current(state_dir, A, &home), KEYRING_BROKEN);
    assert_int_equal(import_of(A, "--export " A, 0, NULL), EX_OK);
    assert_int_equal(count_keys(A), 1);
    forget(A);
}

/* gpg asks for such a file's bytes for ever. */
static void a_conf_that_cannot_be_read(void **state)
{
    (void)state;
    g_autofree char *home = NULL, *error = NULL;
    struct rlimit before, short_time;
    assert_int_equal(import_of(A, "--export " A, 0, NULL), EX_OK);
    GPtrArray *keys = keys_of(A, &home);
    assert_non_null(keys);
    g_ptr_array_unref(keys);
    assert_int_equal(people_shell("cd '%s' && rm gpg.conf && mkdir gpg.conf", home), 0);
    assert_int_equal(getrlimit(RLIMIT_CPU, &before), 0);
    short_time = before;
    short_time.rlim_cur = 10;
    assert_int_equal(setrlimit(RLIMIT_CPU, &short_time), 0);
    assert_null(keyring_keys(home, &error));
    assert_non_null(strstr(error, "gpg.conf: Is a directory"));
    assert_int_equal(import_of(A, "--export " A, 0, "gpg.conf: Is a directory"), EX_TEMPFAIL);
    assert_int_equal(setrlimit(RLIMIT_CPU, &before), 0);
    forget(A);
    assert_int_equal(import_of(A, "--export " A, 0, NULL), EX_OK);
    forget(A);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),        cmocka_unit_test(describes),
        cmocka_unit_test(one_key_or_more), cmocka_unit_test(generations),
        cmocka_unit_test(takes_a_revocation_in), cmocka_unit_test(lists_users), cmocka_unit_test(notes),
        cmocka_unit_test(a_folder_without_link_is_broken),
        cmocka_unit_test(a_conf_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, make_people, people_close);
}
