/* Words of plain text: disguises, gaps, links, split words, blocks of encoded data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/mail/links.h"
#include "base/mail/text.h"

static bool with_gaps;

static void add_word(enum text_kind kind, const char *word, size_t len, void *arg)
{
    GString *out = arg;
    if (kind == TEXT_GAP)
        g_string_append(out, with_gaps ? " |" : "");
    else
        g_string_append_printf(out, "%s%s%.*s", out->len ? " " : "", kind == TEXT_LINK ? "@" : "",
                               kind == TEXT_LINK ? (int)strlen(word) : (int)len, word);
}

static void notes_are(const char *text, const char *expected, int notes)
{
    GString *out = g_string_new(NULL);
    struct links links = {0};
    links_scan(&links, text, strlen(text), true);
    const struct text words = {text, strlen(text), &links};
    const int got = text_words(&words, add_word, out);
    links_free(&links);
    assert_string_equal(out->str, expected);
    if (notes >= 0 && got != notes)
        fail_msg("%s: notes %d, not %d", text, got, notes);
    g_string_free(out, TRUE);
}

static void assert_words(const char *text, const char *expected)
{
    notes_are(text, expected, -1);
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
                 "see @example.com or @www.a.example ok");
    assert_words("\xE4\xBB\xB7\xE6\xA0\xBC", "\xE4\xBB\xB7 \xE6\xA0\xBC");
}

static void test_noise_is_no_word(void **state)
{
    (void)state;
    assert_words("abcdefghijklmnopqrstuvwxyzabcdefghijklmn", "abcdefghijklmnopqrstuvwxyzabcdefghijklmn");
    assert_words("abcdefghijklmnopqrstuvwxyz-abcdefghijklmno end", "end");
    assert_words("a QWxsZXMgd2lyZC/BndXQgdW5kIG5vY2gg+mllbCBiZXNzZXI b", "a b");
    assert_words("one\n-----BEGIN PGP MESSAGE-----\nVersion: 1 x\n\nabcd/short\n=xyz1\n"
                 "-----END PGP MESSAGE-----\ntwo",
                 "one two");
    assert_words("one -----BEGIN PGP MESSAGE-----\r\n\r\nno cipher at all", "one no cipher at all");
}

static void test_disguises(void **state)
{
    (void)state;
    notes_are("p\xD0\xB0yp\xD0\xB0l", "paypal", TEXT_NOTE_HOMOGLYPH);
    notes_are("\xCE\xBD" "iagr\xCE\xB1", "viagra", TEXT_NOTE_HOMOGLYPH);
    notes_are("\xD0\xBC\xD0\xB8\xD1\x80", "\xD0\xBC\xD0\xB8\xD1\x80", 0); /* a Russian word */
    notes_are("\xEF\xBC\xA6\xEF\xBC\xB2\xEF\xBC\xA5\xEF\xBC\xA5", "free", TEXT_NOTE_COMPAT);
    notes_are("\xF0\x9D\x97\x96\xF0\x9D\x97\xAE\xF0\x9D\x98\x80\xF0\x9D\x97\xB5", "cash", TEXT_NOTE_COMPAT);
    notes_are("vi\xE2\x80\x8B" "agra", "viagra", TEXT_NOTE_ZERO_WIDTH);
    notes_are("soft\xC2\xADware", "software", TEXT_NOTE_SOFT_HYPHEN);
    notes_are("\xE2\x80\x8B word \xE2\x80\x8B", "word", 0);
}

static void test_gaps(void **state)
{
    (void)state;
    with_gaps = true;
    assert_words("one two; three (four) five: six?: :", "one two | three | four | five | six |");
    assert_words(": one http://a.example/;b c", "one @a.example c");
    with_gaps = false;
}

static void test_links(void **state)
{
    (void)state;
    assert_words("http://a.example/x", "@a.example");
    assert_words("\xC3\xA9http://a.example/ b", "\xC3\xA9 @a.example b");
    assert_words("mail me@a.example", "mail me@a.example"); /* an address is a word */
    assert_words("www.a.example\xE3\x80\x82\xE6\x9B\xB4 b", "@www.a.example.xn--nov @www.a.example b"); /* either */
    assert_words("http://a.example/ http://b.example/", "@a.example @b.example");
    /* Cut in the middle of the second. */
    struct links links = {0};
    const char *text = "x http://a.example/ y http://b.example/ z";
    GString *out = g_string_new(NULL);
    links_scan(&links, text, strlen(text), true);
    const struct text words = {text, 30, &links};
    text_words(&words, add_word, out);
    assert_string_equal(out->str, "x @a.example y @b.example");
    g_string_free(out, TRUE);
    links_free(&links);
}

static void test_split_words(void **state)
{
    (void)state;
    notes_are("v i a g r a now", "v i a g r a now viagra", TEXT_NOTE_SPLIT);
    notes_are("V*I*A*G*R*A", "v i a g r a viagra", TEXT_NOTE_SPLIT);
    notes_are("c.a.s.h", "c.a.s.h cash", TEXT_NOTE_SPLIT);
    notes_are("c-a.s_h now", "c-a.s_h cash now", TEXT_NOTE_SPLIT);
    notes_are("a b c", "a b c", 0);
    notes_are("U.S.A. e.g. 1.2.3.4", "u.s.a e.g 1.2.3.4", 0);
    notes_are("a  b  c  d  e", "a b c d e", 0);
}

static void test_blocks_are_skipped(void **state)
{
    (void)state;
    notes_are("x\nbegin 644 a.gif\n#0V%T\n`\nend\ny", "x y", TEXT_NOTE_CIPHER);
    notes_are("begin 644 a.gif\nbut words", "but words", TEXT_NOTE_CIPHER);
    notes_are("-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\ny", "y", TEXT_NOTE_CIPHER);
    notes_are("we begin 644 words", "we begin 644 words", 0);
    notes_are("-----BEGIN PGP MESSAGE-----\nComment: http://a.example/\n\nabcd\n-----END PGP MESSAGE-----\n"
              "http://b.example/ y",
              "@b.example y", TEXT_NOTE_CIPHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_noise_is_no_word),
        cmocka_unit_test(test_disguises),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_split_words),
        cmocka_unit_test(test_blocks_are_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
