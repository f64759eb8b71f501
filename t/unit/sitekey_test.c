/* The site key: made once, read back, and the keys derived from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sitekey.h"

static char *folder;

static int make_folder(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("filterd-sitekey-XXXXXX", NULL);
    return folder ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    int failed = rmdir(folder);
    g_free(folder);
    return failed;
}

/* The vectors of the paper (appendix A) and of its reference code. */
static void siphash_vectors(void **state)
{
    (void)state;
    unsigned char key[16], data[64];
    for (unsigned char i = 0; i < 64; i++)
        data[i] = i;
    memcpy(key, data, 16);
    assert_true(siphash(key, data, 15) == UINT64_C(0xa129ca6149be45e5));
    assert_true(siphash(key, data, 0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(siphash(key, data, 1) == UINT64_C(0x74f839c593dc67fd));
    assert_true(siphash(key, data, 8) == UINT64_C(0x93f5f5799a932462));
    assert_true(siphash(key, data, 63) == UINT64_C(0x958a324ceb064572));
}

static void create_and_load(void **state)
{
    (void)state;
    char *file = g_build_filename(folder, "site.key", NULL), *error = NULL;
    struct sitekey a = {{0}}, b = {{0}};
    struct stat st;
    assert_false(sitekey_load(file, false, &a, &error));
    assert_true(g_str_has_prefix(error, file));
    g_clear_pointer(&error, g_free);
    assert_true(sitekey_load(file, true, &a, &error));
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0400);
    assert_int_equal(st.st_size, 65);
    assert_int_equal(st.st_nlink, 1);
    assert_true(sitekey_load(file, true, &b, &error));
    assert_memory_equal(a.bytes, b.bytes, 32);
    g_unlink(file);
    assert_true(sitekey_load(file, true, &b, &error));
    assert_memory_not_equal(a.bytes, b.bytes, 32);
    g_unlink(file);
    g_free(file);
}

static void malformed(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "0123\n",
                                        "0123456789abcdef0123456789abcdef0123456789abcdef"
                                        "0123456789abcdeg\n",
                                        "0123456789abcdef0123456789abcdef0123456789abcdef"
                                        "0123456789abcdef\n\n"};
    g_autofree char *file = g_build_filename(folder, "site.key", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        struct sitekey key;
        g_autofree char *error = NULL;
        assert_true(g_file_set_contents(file, wrong[i], -1, NULL));
        assert_false(sitekey_load(file, true, &key, &error));
        assert_non_null(strstr(error, "64 hex digits"));
    }
    g_unlink(file);
}

/* First half of HMAC-SHA256(key, purpose NUL name), computed with another program. */
static void derive(void **state)
{
    (void)state;
    static const unsigned char want[16] = {0x31, 0xe1, 0xae, 0xb8, 0x6d, 0xb7, 0xda, 0x09,
                                           0x8e, 0x8e, 0x40, 0xe3, 0x52, 0x9e, 0x5a, 0xbe};
    struct sitekey key;
    unsigned char a[16], b[16];
    for (unsigned char i = 0; i < 32; i++)
        key.bytes[i] = i;
    sitekey_derive(&key, "features", "bob@x.org", a);
    assert_memory_equal(a, want, 16);
    sitekey_derive(&key, "ab", "c", a);
    sitekey_derive(&key, "a", "bc", b);
    assert_memory_not_equal(a, b, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_vectors),
        cmocka_unit_test(create_and_load),
        cmocka_unit_test(malformed),
        cmocka_unit_test(derive),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
