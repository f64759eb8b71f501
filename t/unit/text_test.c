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

static void assert_utf8(const char *data, size_t len, const char *charset, const char *expected)
{
    struct bytes out = {0};
    text_to_utf8(&out, data, len, charset);
    assert_true(g_utf8_validate_len((char *)out.data, out.len, NULL));
    assert_string_equal((char *)out.data, expected);
    bytes_free(&out);
}

static void test_charsets(void **state)
{
    (void)state;
    assert_utf8("Gr\xFC\xDF", 4, "iso-8859-1", "Gr\xC3\xBC\xC3\x9F");
    assert_utf8("Gr\xFC\xDF.....", 9, NULL, "Gr\xC3\xBC\xC3\x9F.....");
    assert_utf8("\xEF\xF0\xE8", 3, "koi8-r", "\xD0\x9E\xD0\x9F\xD0\xA5");
    assert_utf8("plain", 5, "no-such-charset", "plain");
    assert_utf8("plain ascii", 11, "utf-16le", "plain ascii");
    assert_utf8("h\0i\0", 4, "utf-16le", "hi");
}

static void test_bad_bytes_stay_bad_bytes(void **state)
{
    (void)state;
    assert_utf8("a\0b", 3, "utf-8", "a\xEF\xBF\xBD"
                                    "b");
    /* The character at the end was cut: the rest is UTF-8 all the same. */
    assert_utf8("\xC3\xBC and \xC3", 8, "utf-8", "\xC3\xBC and \xEF\xBF\xBD");
    assert_utf8("\xE5\xA5", 2, "gb18030", "\xE6\xBF\x82");
    struct bytes out = {0};
    text_to_utf8(&out, "x\xFFy", 3, "gb18030");
    assert_true(g_utf8_validate_len((char *)out.data, out.len, NULL));
    assert_non_null(strchr((char *)out.data, 'y'));
    bytes_free(&out);
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

static void assert_html(const char *html, const char *text, const char *urls)
{
    struct bytes out = {0}, found = {0};
    text_from_html(&out, &found, html, strlen(html));
    GString *words = g_string_new(NULL);
    text_words(out.data ? (char *)out.data : "", out.len, add_word, words);
    assert_string_equal(words->str, text);
    assert_string_equal(found.data ? (char *)found.data : "", urls);
    g_string_free(words, TRUE);
    bytes_free(&out);
    bytes_free(&found);
}

static void test_html(void **state)
{
    (void)state;
    assert_html("V<b>i</b>a<!-- x -->gra<p>now<br>here", "viagra now here", "");
    assert_html("<style>p{x:y}</style>a<script>if (a<b) c()</script >b", "a b", "");
    assert_html("&lt;a&gt; &#65;&#x42; caf&eacute; &nosuch; &amp", "a ab caf\xC3\xA9 nosuch", "");
    assert_html("<a title='>' href=\"http://a.example/?x=1&amp;y\">t</a><img SRC = 'cid:1'>", "t",
                "http://a.example/?x=1&y\ncid:1\n");
    assert_html("1 < 2 and <", "1 2 and", "");
    assert_html("<a href=", "", "\n");
    assert_html("<!-- never closed <b>word", "word", "");
}

static void assert_host(const char *url, const char *host)
{
    char out[20];
    text_url_host(url, strlen(url), out, sizeof out);
    assert_string_equal(out, host);
}

static void test_hosts(void **state)
{
    (void)state;
    assert_host("http://A.Example/x//y", "a.example");
    assert_host("https://user:pw@b.example:8080?x@y", "b.example");
    assert_host("www.c.example.", "www.c.example");
    assert_host("mailto:me@d.example", "d.example");
    assert_host("cid:123", "");
    assert_host("http://a-very-long-name.example/", "a-very-long-name.ex");
    assert_host("http://123456789012345678\xC3\xBC/", "123456789012345678");
    assert_host("http://12345678901234567\xC3\xBC/", "12345678901234567\xC3\xBC");
    assert_host("http://\xE4\xBB\xB7\xE4\xBB\xB7\xE4\xBB\xB7\xE4\xBB\xB7\xE4\xBB\xB7\xE4\xBB\xB7\xE4\xBB\xB7",
                "\xE4\xBB\xB7\xE4\xBB\xB7\xE4\xBB\xB7\xE4\xBB\xB7\xE4\xBB\xB7\xE4\xBB\xB7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_charsets),  cmocka_unit_test(test_bad_bytes_stay_bad_bytes),
        cmocka_unit_test(test_words),     cmocka_unit_test(test_noise_is_no_word),
        cmocka_unit_test(test_html),      cmocka_unit_test(test_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
