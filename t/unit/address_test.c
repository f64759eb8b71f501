/* Addresses: their canonical form, length, extension, domain and file name, and what an address in an
 * address means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/address.h"

static void expect(char *got, const char *want)
{
    if (want)
        assert_non_null(got);
    else
        assert_null(got);
    if (want)
        assert_string_equal(got, want);
    g_free(got);
}

static void canonical(void **state)
{
    (void)state;
    expect(address_canonical("Alice@Example.COM"), "alice@example.com");
    expect(address_canonical(" <Alice@Example.COM> "), "alice@example.com");
    expect(address_canonical("J\xc3\x96RG@B\xc3\x9c" "CHER.example"),
           "j\xc3\xb6rg@b\xc3\xbc" "cher.example");
    expect(address_canonical("\xff" "A@b"), "\xff" "a@b");
    expect(address_canonical(""), NULL);
    expect(address_canonical("<>"), NULL);
    expect(address_canonical(NULL), NULL);
    expect(address_canonical("a\r\nb@c"), NULL);
    expect(address_canonical("a\x7f@c"), NULL);
}

static void length(void **state)
{
    (void)state;
    g_autofree char *longest = g_strnfill(320, 'a'), *over = g_strnfill(321, 'a');
    expect(address_canonical(longest), longest);
    expect(address_canonical(over), NULL);
}

/* Whatever a recipient is, there is a form to look it up. */
static void looked_up(void **state)
{
    (void)state;
    expect(address_looked_up(" <Alice@Example.COM> "), "alice@example.com");
    expect(address_looked_up("A\xff+\x01@b"), "a\xef\xbf\xbd+\xef\xbf\xbd@b");
    expect(address_looked_up("\xc3\x9c\xc3@b"), "\xc3\xbc\xef\xbf\xbd@b");
    expect(address_looked_up("a\r\nb\x7f@c"), "a\xef\xbf\xbd\xef\xbf\xbd" "b\xef\xbf\xbd@c");
    expect(address_looked_up(""), "\xef\xbf\xbd");
    expect(address_looked_up("<>"), "\xef\xbf\xbd");
    expect(address_looked_up(" "), "\xef\xbf\xbd");
    /* an extension that is too long is cut, between two characters */
    g_autofree char *tail = g_strnfill(301, 'x'), *text = g_strdup_printf("Alice+%s\xc3\xbc\xc3\xbcyz@example.org", tail),
                    *whole = g_strdup_printf("alice+%s\xc3\xbc@example.org", tail);
    assert_int_equal(strlen(whole), 321);
    tail[300] = 0;
    g_autofree char *cut = g_strdup_printf("alice+%sx@example.org", tail);
    expect(address_looked_up(text), cut);
    expect(address_looked_up(whole), cut);
    /* lower case is longer than it was */
    GString *dotted = g_string_new("");
    for (int i = 0; i < 120; i++)
        g_string_append(dotted, "\xc4\xb0");
    g_autofree char *long_local = address_looked_up(dotted->str), *canonical = address_canonical(long_local);
    assert_string_equal(canonical, long_local);
    g_string_append(dotted, "@b");
    g_autofree char *with_domain = address_looked_up(dotted->str);
    assert_true(g_str_has_suffix(with_domain, "@b") && strlen(with_domain) <= 320);
    g_string_free(dotted, TRUE);
    /* a domain alone that is too long */
    g_autofree char *domain = g_strnfill(400, 'd'), *at = g_strdup_printf("a@%s", domain), *got = address_looked_up(at);
    assert_int_equal(strlen(got), 320);
    assert_true(g_str_has_prefix(at, got));
}

static void unquoted(void **state)
{
    (void)state;
    expect(address_unquoted("\"a  b\"@x.org"), "a  b@x.org");
    expect(address_unquoted(" a \t b (x) @ x . org "), "a b@x.org");
    expect(address_unquoted("@r:a\\@b@x.org."), "a@b@x.org");
    expect(address_unquoted("a%x"), "a%x");
    expect(address_meant("al\x0b ice@x.org"), "alice@x.org");
}

static void extension(void **state)
{
    (void)state;
    expect(address_without_extension("bob+lists@x.org", "+"), "bob@x.org");
    expect(address_without_extension("bob+a+b@x.org", "+"), "bob@x.org");
    expect(address_without_extension("bob-a+b@x.org", "+-"), "bob@x.org");
    expect(address_without_extension("bob+lists", "+"), "bob");
    expect(address_without_last_extension("bob-a+b@x.org", "+-"), "bob-a@x.org");
    expect(address_without_last_extension("bob-a@x.org", "+-"), "bob@x.org");
    expect(address_without_last_extension("bob+@x.org", "+-"), "bob@x.org");
    expect(address_without_last_extension("+bob@x.org", "+-"), NULL);
    expect(address_without_last_extension("bob@x+y.org", "+"), NULL);
    expect(address_without_last_extension("\"bob+lists\"@x.org", "+"), NULL);
    expect(address_without_last_extension("bob+lists", ""), NULL);
    expect(address_without_extension("bob@x+y.org", "+"), NULL);
    expect(address_without_extension("+lists@x.org", "+"), NULL);
    expect(address_without_extension("bob+lists@x.org", ""), NULL);
    expect(address_without_extension("\"bob+lists\"@x.org", "+"), NULL);
}

static void domain(void **state)
{
    (void)state;
    assert_string_equal(address_domain("a@b.org"), "b.org");
    assert_string_equal(address_domain("\"a@x\"@b.org"), "b.org");
    assert_string_equal(address_domain("postmaster"), "");
}

static void file_name(void **state)
{
    (void)state;
    expect(address_to_file_name("bob_1+x-y.z@x.org"), "bob_1+x-y.z@x.org");
    expect(address_to_file_name("../a/b@x"), "%2E.%2Fa%2Fb@x");
    expect(address_to_file_name("a%~@\xc3\xa4"), "a%25%7E@%C3%A4");
}

/* As ICU does, which Postfix asks: U_FOLD_CASE_DEFAULT. */
static void folded(void **state)
{
    (void)state;
    expect(address_folded("Alice@Example.ORG"), "alice@example.org");
    expect(address_folded("\xc5\xbf" "ales@x"), "sales@x");                  /* long s */
    expect(address_folded("\xe2\x84\xaa@x"), "k@x");                        /* kelvin sign */
    expect(address_folded("gr\xc3\x9c\xc3\x9f" "e@x"), "gr\xc3\xbcsse@x"); /* sharp s */
    expect(address_folded("\xe1\xba\x9e"), "ss");
    expect(address_folded("\xcf\x83\xcf\x82"), "\xcf\x83\xcf\x83");      /* final sigma */
    expect(address_folded("\xef\xac\x81@x"), "fi@x");                       /* ligature */
    expect(address_canonical("\xc4\xb0stanbul@x.org"), "i\xcc\x87stanbul@x.org");
    expect(address_folded("\xc4\xb0"), "i\xcc\x87");                        /* dotted I, in any locale */
    expect(address_folded("\xe1\x8e\xa0\xea\xad\xb0"), "\xe1\x8e\xa0\xe1\x8e\xa0"); /* Cherokee */
    expect(address_folded("\xff" "A"), "\xff" "a");
    expect(address_folded(""), "");
}

/* As Postfix rewrites them. */
static void meant(void **state)
{
    (void)state;
    expect(address_meant("bob+x@x.org"), "bob+x@x.org");
    expect(address_meant("\"bob\"@x.org"), "bob@x.org");
    expect(address_meant("\"b\\ob\"@x.org"), "bob@x.org");
    expect(address_meant("b\"o\"b@x.org.."), "bob@x.org");
    expect(address_meant("\"a b\"@x.org"), "a b@x.org");
    expect(address_meant("\"bob@x.org\""), "bob@x.org");
    expect(address_meant("\"b(o)b\"@x.org"), "b(o)b@x.org");
    expect(address_meant("bob(a (\\)) \"c)@(d)x.org"), "bob@x.org");
    expect(address_meant("@a.org,@b.org:bob@x.org"), "bob@x.org");
    expect(address_meant("@[IPv6:::1]:bob@x.org"), "bob@x.org");
    expect(address_meant("\"a:b\"@x.org"), "a:b@x.org");
    expect(address_meant("bob@[IPv6:::1]"), "bob@[IPv6:::1]");
    expect(address_meant("a%b%x.org"), "a%b@x.org");
    expect(address_meant("x.org!bob"), "bob@x.org");
    expect(address_meant("a%b@x.org"), "a%b@x.org");
    expect(address_meant("bob"), "bob");
    expect(address_meant("\""), "");
    expect(address_meant("\\"), "\\");
}

/* Long names stay under NAME_MAX and stay apart. */
static void long_file_name(void **state)
{
    (void)state;
    g_autofree char *a = g_strnfill(320, '/'), *b = g_strnfill(320, '/');
    b[319] = 'x';
    g_autofree char *name_a = address_to_file_name(a), *name_b = address_to_file_name(b);
    assert_int_equal(strlen(name_a), 128 + 1 + 64);
    assert_string_not_equal(name_a, name_b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical), cmocka_unit_test(length), cmocka_unit_test(looked_up), cmocka_unit_test(unquoted),    cmocka_unit_test(extension),
        cmocka_unit_test(domain),    cmocka_unit_test(file_name), cmocka_unit_test(long_file_name),
        cmocka_unit_test(meant),     cmocka_unit_test(folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
