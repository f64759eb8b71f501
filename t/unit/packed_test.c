/* base/mail/packed: files that Dovecot compressed or encrypted. */
#include "base/mail/packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void forms(void **state)
{
    (void)state;
    assert_string_equal(packed_form("\x1f\x8b\x08\x00", 4), "gz");
    assert_string_equal(packed_form("BZh91AY", 7), "bz2");
    assert_string_equal(packed_form("\xfd" "7zXZ\0\0", 7), "xz");
    assert_string_equal(packed_form("\x28\xb5\x2f\xfd\x04", 5), "zstd");
    assert_string_equal(packed_form("\x04\x22\x4d\x18", 4), "lz4");
    assert_string_equal(packed_form("Dovecot-LZ4\x0d\x2a\x9b\xc5\0\1\0\0", 19), "lz4");
    assert_string_equal(packed_form("CRYPTED\x03\x07\x02", 10), "mail_crypt");
    assert_string_equal(packed_form("x\x9c\x4b", 3), "zlib");
    assert_string_equal(packed_form("x\x01\x4b", 3), "zlib");
    assert_string_equal(packed_form("x\xda\x4b", 3), "zlib");
    assert_string_equal(packed_form("]\0\0\x80", 4), "lzma");
    assert_string_equal(packed_form("\x1f\x9d\x90", 3), "compress");
    assert_string_equal(packed_form("PK\x03\x04\x14", 5), "zip");
    assert_string_equal(packed_form("7z\xbc\xaf\x27\x1c", 6), "7z");
    assert_string_equal(packed_form("\xff\xfe" "F\0", 4), "UTF-16");
    assert_string_equal(packed_form("2 M1e C6b0d8a6a\n", 16), "dbox");
}

static void what_is_mail(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len; /* 0: strlen */
        bool mail;
    } cases[] = {
        {"Subject: x\r\n\r\n", 0, true},
        {"Subject : x", 0, true},
        {"From a@b Mon Jan 1\nx", 0, true},
        {">From a@b Mon Jan 1\nx", 0, true},
        {" a line that is none\n\nReceived: x\n", 0, true},
        {"\xef\xbb\xbf" "Subject: x\nTo: y\n", 0, true},
        {"Gr\xfc\xdf" "e\x1b$B\f\nTo: y\n", 0, true},
        {"Subject: a\0b\n", 13, true},
        {"1\n2\n3\n4\n5\n6\n7\n8\n9\nTo: x\n", 0, true},
        {"1\n2\n3\n4\n5\n6\n7\n8\n9\n0\nTo: x\n", 0, false},
        {"From", 0, false},
        {"no colon at all\n", 0, false},
        {": no name\n", 0, false},
        {"a name with blanks: x\n", 0, false},
        {"", 0, false},
        {"\0F\0r\0o\0m\0:\0 \0a", 14, false},
        {"F\0r\0o\0m\0:\0 \0a\0\n\0", 16, false},
        {"\x7f" "ELF\x02\x01\nTo: x\n", 0, false},
        {"x\x01\nTo: x\n", 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (packed_is_mail(cases[i].text, cases[i].len ? cases[i].len : strlen(cases[i].text)) != cases[i].mail)
            fail_msg("%zu: %s", i, cases[i].text);
}

/* As Dovecot 2.3 wrote it, but for the message; and each cut of it. */
static void sdbox(void **state)
{
    (void)state;
    static const char file[] = "2 M1e C6b0d8a6a\n\1\2N          0000000000000009\nTo: x\n\nhi\n\1\3\nR6b0d8a6a\n\n";
    size_t len = 0;
    assert_memory_equal(packed_sdbox(file, sizeof file - 1, &len), "To: x\n\nhi", 9);
    assert_int_equal(len, 9);
    for (size_t cut = 0; cut < 16 + 30 + 9; cut++)
        assert_null(packed_sdbox(file, cut, &len));
    static const char *const wrong[] = {
        "2 M1d C6b0d8a6a\n\1\2N          0000000000000009\nTo: x\n\nhi\n",
        "2 Mffffffffffffffff C6b0d8a6a\n\1\2N          0000000000000009\nTo: x\n\nhi\n",
        "2 M1e C6b0d8a6a\n\1\2N          ffffffffffffffff\nTo: x\n\nhi\n",
        "2 M1e C6b0d8a6a\n\1\2N          000000000000000g\nTo: x\n\nhi\n",
        "2 M1e C6b0d8a6a\n\1\3N          0000000000000009\nTo: x\n\nhi\n",
        "3 M1e C6b0d8a6a\n\1\2N          0000000000000009\nTo: x\n\nhi\n",
        "2 M C6b0d8a6a\n\1\2N          0000000000000009\nTo: x\n\nhi\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_null(packed_sdbox(wrong[i], strlen(wrong[i]), &len));
}

static void mail(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "B", "BZ: h\r\n", "\x1f", "From a@b Mon\n", "Received: x\r\n", "Dovecot-LZ4: x\r\n",
                                        "CRYPTED: yes\r\n", ("\xfd" "7zXZ")};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_null(packed_form(texts[i], strlen(texts[i])));
    assert_null(packed_form(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(mail), cmocka_unit_test(what_is_mail),
                                       cmocka_unit_test(sdbox)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
