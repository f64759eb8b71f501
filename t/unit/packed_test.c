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
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(mail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
