#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "classifier/text.h"

static void add_word(enum text_kind kind, const char *word, size_t len, void *arg)
{
    GString *out = arg;
    g_string_append_printf(out, "%s%s%.*s", out->len ? " " : "", kind == TEXT_URL ? "@" : "",
                           (int)len, word);
}

static void assert_words(const char *text, const char *expected)
{
    GString *out = g_string_new(NULL);
    text_words(text, strlen(text), add_word, out);
    assert_string_equal(out->str, expected);
    g_string_free(out, TRUE);
}

static void test_words(void **state)
{
    (void)state;
    assert_words("", "");
    assert_words("Hello, WORLD -- it's $9.99!", "hello world it's $9.99!");
    assert_words("\xC3\x9C"
                 "ber v\xE2\x80\x8Bi\xC2\xAD"
                 "a",
                 "\xC3\xBC"
                 "ber via");
    assert_words("see https://Example.com/x?y or www.a.example, ok",
                 "see @https://Example.com/x?y or @www.a.example, ok");
    assert_words("\xE4\xBB\xB7\xE6\xA0\xBC", "\xE4\xBB\xB7 \xE6\xA0\xBC");
}

static void test_noise_is_no_word(void **state)
{
    (void)state;
    assert_words("abcdefghijklmnopqrstuvwxyzabcd", "abcdefghijklmnopqrstuvwxyzabcd");
    assert_words("abcdefghijklmnopqrstuvwxyzabcde end", "end");
    assert_words("a QWxsZXMgd2lyZC/BndXQgdW5kIG5vY2gg+mllbCBiZXNzZXI b", "a b");
    assert_words("one\n-----BEGIN PGP MESSAGE-----\n\nab cd\n=xyz1\n-----END PGP MESSAGE-----\ntwo",
                 "one two");
    assert_words("one -----BEGIN PGP MESSAGE-----\nfor ever", "one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_noise_is_no_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
