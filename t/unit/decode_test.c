/* Decoding: base64, quoted-printable, charsets and encoded words (RFC 2047), good ones and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/charset.h"
#include "base/mail/decode.h"
#include "base/mail/rfc2047.h"

static void is_text(struct bytes *out, const char *want)
{
    assert_string_equal(out->data ? (char *)out->data : "", want);
    bytes_free(out);
}

static void base64_is(const char *text, const char *want, bool clean)
{
    struct bytes out = {0};
    assert_int_equal(decode_base64(&out, text, strlen(text), 1000), clean);
    is_text(&out, want);
}

static void test_base64(void **state)
{
    (void)state;
    base64_is("aGVsbG8gd29ybGQ=", "hello world", true);
    base64_is("aGVs\r\nbG8=\r\n", "hello", true);
    base64_is("", "", true);
    base64_is("aGVsbG8=IHdvcmxk", "hello world", false); /* decoding goes on after the first '=' */
    base64_is("aGV*sb(G8=", "hello", false);
    base64_is("aGVsbG8", "hello", true);
    base64_is("_-8=", "\xFF\xEF", true);
    base64_is("a", "", true);
    struct bytes out = {0};
    decode_base64(&out, "aGVsbG8gd29ybGQ=", 16, 4);
    assert_in_range(out.len, 4, 6);
    bytes_free(&out);
}

static void qp_is(const char *text, const char *want)
{
    struct bytes out = {0};
    decode_qp(&out, text, strlen(text), 1000);
    is_text(&out, want);
}

static void test_qp(void **state)
{
    (void)state;
    qp_is("a=3Db=\r\nc= \n=3dd", "a=bc=d");
    qp_is("1=2 =G0 =", "1=2 =G0 ");
    qp_is("=C3=BC", "\xC3\xBC");
    struct bytes out = {0};
    decode_qp(&out, "abc=41=41=41", 12, 4);
    is_text(&out, "abcA");
}

static void encoding_is(const char *value, enum decode_encoding encoding, bool odd)
{
    bool said;
    assert_int_equal(decode_encoding_of(value, &said), encoding);
    assert_int_equal(said, odd);
}

static void test_encoding_names(void **state)
{
    (void)state;
    encoding_is(NULL, DECODE_IDENTITY, false);
    encoding_is("", DECODE_IDENTITY, false);
    encoding_is("Base64", DECODE_BASE64, false);
    encoding_is("base64;", DECODE_BASE64, true);
    encoding_is("base64 (x)", DECODE_BASE64, true);
    encoding_is("(x) \"quoted-printable\"", DECODE_QP, true);
    encoding_is("x-uue", DECODE_UU, false);
    encoding_is("utf-8", DECODE_UNKNOWN, true);
}

#define ENCODED "VGhpcyBpcyBhIGxpbmUgb2YgcGxhaW4gdGV4dCB0aGF0IHdhcyBlbmNvZGVk"

static void loosely_is(const char *text, const char *want)
{
    struct bytes out = {0};
    decode_loosely(&out, text, strlen(text), 1000);
    is_text(&out, want);
}

static void test_loosely(void **state)
{
    (void)state;
    loosely_is("a =41\n" ENCODED "\nIQ==\nb", "a A\nThis is a line of plain text that was encoded!\nb");
    loosely_is("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gAAECAwQF\n", "\n");
    loosely_is("no encoding\r\nat all", "no encoding\r\nat all");
    assert_true(decode_is_base64(ENCODED "\r\n" ENCODED, 2 * strlen(ENCODED) + 2));
    assert_false(decode_is_base64("Hello\nworld", 11));
    assert_false(decode_is_base64("", 0));
    assert_true(decode_is_text("hello\r\n\tworld", 13));
    assert_false(decode_is_text("\1\2\3hello", 8));
}

static void utf8_is(const char *data, size_t len, const char *charset, const char *expected)
{
    struct bytes out = {0};
    charset_to_utf8(&out, data, len, charset);
    assert_true(g_utf8_validate_len((char *)out.data, out.len, NULL));
    is_text(&out, expected);
}

static void test_charsets(void **state)
{
    (void)state;
    utf8_is("Gr\xFC\xDF \x93", 6, "ISO-8859-1", "Gr\xC3\xBC\xC3\x9F \xE2\x80\x9C");
    utf8_is("Gr\xFC\xDF.....", 9, NULL, "Gr\xC3\xBC\xC3\x9F.....");
    utf8_is("\xEF\xF0\xE8", 3, "koi8-r", "\xD0\x9E\xD0\x9F\xD0\xA5");
    utf8_is("plain", 5, "no-such-charset", "plain");
    utf8_is("plain ascii", 11, "utf-16le", "plain ascii");
    utf8_is("h\0i\0", 4, "utf-16le", "hi");
    utf8_is("\x83\x65", 2, "Shift_JIS", "\xE3\x83\x86");
    utf8_is("+AGE-", 5, "utf-7", "+AGE-");
}

static void test_which_charsets_are_believed(void **state)
{
    (void)state;
    struct bytes out = {0};
    assert_true(charset_to_utf8(&out, "x", 1, NULL));
    assert_true(charset_to_utf8(&out, "x", 1, "\"UTF-8\""));
    assert_true(charset_to_utf8(&out, "x", 1, "GB2312"));
    assert_false(charset_to_utf8(&out, "x", 1, "utf-7"));
    assert_false(charset_to_utf8(&out, "x", 1, "utf-16"));
    assert_false(charset_to_utf8(&out, "x", 1, "a-very-long-name-of-a-charset"));
    assert_false(charset_to_utf8(&out, "x", 1, "IBM1390"));
    bytes_free(&out);
}

static void test_bad_bytes_stay_bad_bytes(void **state)
{
    (void)state;
    utf8_is("a\0b", 3, "utf-8", "a\xEF\xBF\xBD"
                                "b");
    /* The last character is cut off: the rest is still read as UTF-8. */
    utf8_is("\xC3\xBC and \xC3", 8, "utf-8", "\xC3\xBC and \xEF\xBF\xBD");
    utf8_is("\xE5\xA5", 2, "gb18030", "\xE6\xBF\x82");
    struct bytes out = {0};
    charset_to_utf8(&out, "x\xFFy", 3, "gb18030");
    assert_true(g_utf8_validate_len((char *)out.data, out.len, NULL));
    assert_non_null(strchr((char *)out.data, 'y'));
    bytes_free(&out);
}

static void words_are(const char *text, const char *want, int defects)
{
    struct bytes out = {0};
    assert_int_equal(rfc2047_decode(&out, text, strlen(text), NULL), defects);
    is_text(&out, want);
}

static void test_rfc2047(void **state)
{
    (void)state;
    words_are(" plain\r\n text", " plain text", 0);
    words_are("=?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n =?iso-8859-1?b?5A==?= end", "gr\xC3\xBC\xC3\x9F"
                                                                          "e\xC3\xA4 end", 0);
    words_are("=?UTF-8*en?Q?a_b?=", "a b", 0);
    words_are("a =? b ?= c", "a =? b ?= c", 0);
    assert_true(rfc2047_is_plain("a = b?", 6));
    assert_false(rfc2047_is_plain("=?x", 3));
    assert_false(rfc2047_is_plain("\xFC", 1));
}

static void test_broken_rfc2047(void **state)
{
    (void)state;
    words_are("=?utf-8?b?ww==?= =?utf-8?b?vA==?=", "\xC3\xBC", 0); /* a character in two words */
    words_are("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "\xC3\xBC", 0);
    words_are("=?utf-8?q?two words?= x", "two words x", RFC2047_BROKEN);
    words_are("=?utf-8?q?open end", "open end", RFC2047_BROKEN);
    words_are("=?utf-8?q?one =?utf-8?q?two?=", "onetwo", RFC2047_BROKEN);
    words_are("=? utf-8 ? q ?x?=", "x", RFC2047_BROKEN);
    words_are("=?no-such?q?x?=", "x", RFC2047_CHARSET);
    words_are("=?utf-8?x?y?=", "y", RFC2047_BROKEN);
    words_are("\xFC", "\xC3\xBC", RFC2047_RAW);
    words_are("=?", "=?", 0);
    words_are("=?utf-8?q?", "", RFC2047_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_qp),
        cmocka_unit_test(test_encoding_names),
        cmocka_unit_test(test_loosely),
        cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_which_charsets_are_believed),
        cmocka_unit_test(test_bad_bytes_stay_bad_bytes),
        cmocka_unit_test(test_rfc2047),
        cmocka_unit_test(test_broken_rfc2047),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
