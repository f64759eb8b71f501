/* How an address of MAIL or RCPT is written: what an MTA takes one way only, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/address_form.h"

static void assert_form(const char *address, enum address_form want, const char *want_local,
                        const char *want_domain)
{
    g_autofree char *local = NULL, *domain = NULL;
    const enum address_form form = address_form(address, &local, &domain);
    if (form != want || g_strcmp0(local, want_local) != 0 || g_strcmp0(domain, want_domain) != 0)
        fail_msg("<%s>: want %d %s %s, got %d %s %s", address, want, want_local, want_domain, form, local, domain);
}

static void plain(void **state)
{
    static const char *const cases[][3] = {
        {"alice@example.org", "alice", "example.org"},
        {"Alice.B+x@Example.ORG.", "Alice.B+x", "Example.ORG"},
        {"postmaster", "postmaster", ""},
        {"#$&'*+-/=?^_`{|}~@x", "#$&'*+-/=?^_`{|}~", "x"},
        {"gr\xc3\xbc\xc3\x9f" "e@b\xc3\xbc" "cher.test", "gr\xc3\xbc\xc3\x9f" "e", "b\xc3\xbc" "cher.test"},
        {"\"alice\"@example.org", "alice", "example.org"},
        {"\"alice smith\"@example.org", "alice smith", "example.org"},
        {"\"a..b.\"@example.org", "a..b.", "example.org"},
        {"alice@[192.0.2.1]", "alice", "[192.0.2.1]"},
        {"alice@[IPv6:2001:db8::1]", "alice", "[IPv6:2001:db8::1]"},
        {"a@_x-1.example", "a", "_x-1.example"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_form(cases[i][0], ADDRESS_FORM_PLAIN, cases[i][1], cases[i][2]);
}

/* The domain is certain, but Postfix may look into the local part. */
static void loose(void **state)
{
    static const char *const cases[][3] = {
        {"a..b@example.org", "a..b", "example.org"},
        {".a@example.org", ".a", "example.org"},
        {"a.@example.org", "a.", "example.org"},
        {"a%b@example.org", "a%b", "example.org"},
        {"b!a@example.org", "b!a", "example.org"},
        {"b!a", "b!a", ""},
        {"a%b", "a%b", ""},
        {"a@b@example.org", "a@b", "example.org"},
        {"\"a@b\"@example.org", "a@b", "example.org"},
        {"\"a%b\"@example.org", "a%b", "example.org"},
        {"\"a\\\"@b\"@example.org", "a\\\"@b", "example.org"},
        {"\" a\"@example.org", " a", "example.org"},
        {"\"a \"@example.org", "a ", "example.org"},
        {"\"a  b\"@example.org", "a  b", "example.org"},
        {"\"\"@example.org", "", "example.org"},
        {"\"a<b>\"@example.org", "a<b>", "example.org"},
        {"@r.example,@s.example:a@example.org", "a", "example.org"},
        {"@r.example:\"a\"@example.org", "a", "example.org"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_form(cases[i][0], ADDRESS_FORM_LOOSE, cases[i][1], cases[i][2]);
}

static void odd(void **state)
{
    static const char *const cases[] = {
        "",
        "@",
        "@example.org",
        "a@",
        "a@example.org@",
        "a@example.org;",
        ",a@example.org",
        ";\"a\"@example.org",
        "x:a@example.org;",
        "a@\\example.org",
        "\\a@example.org",
        "a(x)@example.org",
        "a@example.org(x)",
        "a(\\\")@example.org",
        "a b@example.org",
        "a@example. org",
        "a@\"example.org\"",
        "a\"b\"@example.org",
        "\"a\"b@example.org",
        "\"a\".\"b\"@example.org",
        "\"a@example.org",
        "\"a\\",
        "\"a\\\"@example.org",
        "a@.example.org",
        "a@example..org",
        "a@example.org..",
        "a@.",
        "a@[192.0.2.1].",
        "a@[192.0.2.1",
        "a@[]",
        "a@[192.0.2]",
        "a@[192.0.2.1.]",
        "a@[::1]",
        "a@[IPv6:192.0.2.1]",
        "a@[IPv6:]",
        "a@[example.org]",
        "a@[ 192.0.2.1 ]",
        "a@[192.0.2.1]@[192.0.2.2]",
        "<a@example.org>",
        "a@example.org>",
        "a@foo%example.org",
        "@r.example:@s.example:a@example.org",
        "@[192.0.2.1]:a@example.org",
        "@r.example a@example.org",
        "a\x7f@example.org",
        "a@ex\tample.org",
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_form(cases[i], ADDRESS_FORM_ODD, NULL, NULL);
}

/* Where a refusal would be a bounce, an odd one goes on as it is understood, and can be read one way only. */
static void certain(void **state)
{
    static const char *const cases[][2] = {
        {"alice@example.org", "alice@example.org"},
        {"a..b@example.org", "a..b@example.org"},
        {"\"a\tb\"@example.org", "\"a\tb\"@example.org"},
        {"\xe4@example.org", "\xe4@example.org"},
        {"a\x01z@example.org", "\"a\x01z\"@example.org"},
        {"a b@example.org", "\"a b\"@example.org"},
        {" a @ example . org", "a@example.org"},
        {"a@exam ple.org", "a@example.org"},
        {"a(x)@example.org", "a@example.org"},
        {"a@example.org (x)", "a@example.org"},
        {"a@example.org;", "a@example.org"},
        {",a@example.org", "\",a\"@example.org"},
        {"a@example.org@", "a@example.org"},
        {"a@\\example.org", "a@example.org"},
        {"a@ex\"ample.org", "a@example.org"},
        {"a>b@example.org", "\"a>b\"@example.org"},
        {"a\\", "\"a\\\\\""},
        {"a\"b\\\"c\"@example.org", "\"ab\\\"c\"@example.org"},
        {"a\r\nRCPT TO:<b>@example.org", "\"a RCPT TO:<b>\"@example.org"},
        {"\"a\nb\"@example.org", "\"a b\"@example.org"},
        {"a@[ 192.0.2.1 ]", "a@[192.0.2.1]"},
        {"a@[192.0.2.1", "a@192.0.2.1"},
        {"a@..example...org..", "a@example.org"},
        {"a@example.org..@", "a@example.org"},
        {"a@\x01\xff", "a@\xff"},
        {"@", "\"\""},
        {"", "\"\""},
        {"\"", "\"\""},
        {"<>", "\"<>\""},
        {"(a@example.org", "\"\""},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = address_form_certain(cases[i][0]), *again = address_form_certain(got);
        if (strcmp(got, cases[i][1]) != 0)
            fail_msg("<%s>: want %s, got %s", cases[i][0], cases[i][1], got);
        assert_string_equal(again, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain), cmocka_unit_test(loose), cmocka_unit_test(odd),
                                       cmocka_unit_test(certain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
