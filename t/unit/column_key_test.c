/* Keys in columns: their forms, and what a text means beside the key that a user has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>
#include <sysexits.h>

#include "gpg/column_key.h"
#include "gpg/keyring.h"
#include "t/unit/gnupg_people.h"

#define A "alice@example.org"
#define B "bob@example.org"

static int make_people(void **state)
{
    if (people_open(state))
        return -1;
    people_curve("Alice <" A ">", "never");
    people_curve("Alice again <" A ">", "never");
    people_curve("Bob <" B ">", "never");
    return 0;
}

/* bytes NULL: it is none. */
static void reads(const char *text, size_t len, const char *bytes, size_t size)
{
    struct bytes key = {0};
    const bool got = column_key_read(text, len, &key);
    if (got != (bytes != NULL) || (bytes && (key.len != size || memcmp(key.data, bytes, size))))
        fail_msg("\"%s\": %s, %zu bytes", text, got ? "a key" : "none", key.len);
    bytes_free(&key);
}

#define READS(text, bytes) reads(text, sizeof(text) - 1, bytes, sizeof(bytes) - 1)
#define NO_KEY(text) reads(text, sizeof(text) - 1, NULL, 0)

static void forms(void **state)
{
    (void)state;
    READS("\\x9901aF", "\x99\x01\xaf");
    READS(" \\X9901aF\n", "\x99\x01\xaf");
    READS("mQGv", "\x99\x01\xaf");
    READS(" mQ\r\nGv\n", "\x99\x01\xaf");
    READS("\x99\x01\xaf\x20\n", "\x99\x01\xaf\x20\n"); /* a binary key's last bytes are no blanks */
    READS("-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "-----BEGIN PGP PUBLIC KEY BLOCK-----");
    READS("\xef\xbb\xbf-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----BEGIN PGP PUBLIC KEY BLOCK-----");
    READS("Alice's:\n-----BEGIN PGP PUBLIC KEY BLOCK-----", "Alice's:\n-----BEGIN PGP PUBLIC KEY BLOCK-----");
    READS("\\x2d2d2d2d2d424547494e2050475020", "-----BEGIN PGP ");
    NO_KEY("");
    NO_KEY(" \r\n\t");
    NO_KEY("\\x");
    NO_KEY("\\x9901a");
    NO_KEY("\\x99zz");
    NO_KEY("\\x0101");
    NO_KEY("AQGv");
    NO_KEY("garbage!");
    NO_KEY("-----BEGIN CERTIFICATE-----");
}

static void empty(void **state)
{
    static const char *const are[] = {"", " ", "\r\n\t ", "\\x", " \\X\n", "\xef\xbb\xbf", "\xef\xbb\xbf \n"};
    static const char *const are_not[] = {"\\x0", "x", "-", "\x99", "NULL"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(are); i++)
        assert_true(column_key_is_empty(are[i], strlen(are[i])));
    for (size_t i = 0; i < G_N_ELEMENTS(are_not); i++)
        assert_false(column_key_is_empty(are_not[i], strlen(are_not[i])));
}

static int import(const char *text, size_t len, bool from_column)
{
    g_autofree char *state_dir = people_state(), *error = NULL, *digest = column_key_digest(text, len);
    struct keyring_input input = {.column = from_column ? digest : NULL};
    assert_true(column_key_read(text, len, &input.text));
    const int code = keyring_import(state_dir, A, &input, NULL, &error);
    bytes_free(&input.text);
    return code;
}

static void means(const struct bytes *text, enum column_key want)
{
    g_autofree char *state_dir = people_state();
    const char *data = text ? (const char *)text->data : "";
    assert_int_equal(column_key_compare(state_dir, A, data, text ? text->len : 0), want);
}

static guint keys_of_alice(void)
{
    g_autofree char *state_dir = people_state(), *home = NULL, *error = NULL;
    assert_int_equal(keyring_current(state_dir, A, &home), KEYRING_FOUND);
    g_autoptr(GPtrArray) keys = keyring_keys(home, &error);
    assert_non_null(keys);
    return keys->len;
}

#define IMPORT(text, from_column) import((const char *)(text)->data, (text)->len, from_column)

static void steps(void **state)
{
    struct bytes first = {0}, second = {0}, bob = {0};
    g_autofree char *state_dir = people_state(), *error = NULL;
    (void)state;
    people_output("--armor --export '=Alice <" A ">'", &first);
    people_output("--armor --export '=Alice again <" A ">'", &second);
    people_output("--armor --export " B, &bob);
    assert_false(first.len == second.len && !memcmp(first.data, second.data, first.len));
    means(NULL, COLUMN_KEY_NONE);
    means(&first, COLUMN_KEY_NEW);
    assert_int_equal(IMPORT(&first, true), EX_OK);
    means(&first, COLUMN_KEY_IMPORTED);
    means(&second, COLUMN_KEY_NEW);
    means(NULL, COLUMN_KEY_EMPTIED);
    assert_int_equal(IMPORT(&bob, true), EX_DATAERR); /* names another: all stays as it was */
    means(&first, COLUMN_KEY_IMPORTED);
    assert_int_equal(IMPORT(&second, true), EX_OK);
    means(&second, COLUMN_KEY_IMPORTED);
    means(&first, COLUMN_KEY_NEW);
    assert_int_equal(keys_of_alice(), 1); /* it replaces the first */
    assert_int_equal(keyring_remove(state_dir, A, NULL, NULL, &error), EX_OK);
    means(NULL, COLUMN_KEY_NONE);
    assert_int_equal(IMPORT(&first, false), EX_OK);
    means(NULL, COLUMN_KEY_NONE); /* it came from elsewhere */
    means(&first, COLUMN_KEY_NEW);
    assert_int_equal(IMPORT(&second, true), EX_OK);
    assert_int_equal(keys_of_alice(), 1);
    bytes_free(&first);
    bytes_free(&second);
    bytes_free(&bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(empty), cmocka_unit_test(steps)};
    return cmocka_run_group_tests(tests, make_people, people_close);
}
