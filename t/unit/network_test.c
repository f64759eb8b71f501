/* trusted_networks: one network too many would let strangers say who sent a mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/network.h"

static bool lies_in(const char *address, const char *network)
{
    char *networks[] = {(char *)"203.0.113.0/24", (char *)network, NULL};
    return network_contains(networks, address);
}

static void inside(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"127.0.0.1", "127.0.0.0/8"},     {"127.255.255.255", "127.0.0.0/8"},
        {"192.0.2.1", "192.0.2.1"},       {"192.0.2.1", "192.0.2.1/32"},
        {"10.1.2.3", "0.0.0.0/0"},        {"172.31.255.255", "172.16.0.0/12"},
        {"::1", "::1/128"},               {"::1", "::1"},
        {"2001:db8::1", "2001:db8::/32"}, {"2001:db8:8000::", "2001:db8:8000::/33"},
        {"fe80::1", "::/0"},              {"::ffff:192.0.2.1", "192.0.2.0/24"},
        {"::FFFF:192.0.2.1", "192.0.2.0/24"}, {"192.0.2.129", "192.0.2.128/25"},
        {"203.0.113.9", "192.0.2.1"}, /* in the first of the list */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (!lies_in(cases[i][0], cases[i][1]))
            fail_msg("%s is in %s", cases[i][0], cases[i][1]);
}

static void outside(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"128.0.0.1", "127.0.0.0/8"},      {"126.255.255.255", "127.0.0.0/8"},
        {"192.0.2.2", "192.0.2.1"},        {"172.32.0.0", "172.16.0.0/12"},
        {"172.15.255.255", "172.16.0.0/12"}, {"192.0.2.127", "192.0.2.128/25"},
        {"2001:db9::", "2001:db8::/32"},   {"2001:db8:7fff::", "2001:db8:8000::/33"},
        {"::1", "0.0.0.0/0"},              {"10.1.2.3", "::/0"},
        {"::2", "::1/128"},                {"127.0.0.1", "127.0.0.0/"},
        {"127.0.0.1", "127.0.0.0/33"},     {"127.0.0.1", "127.0.0.0/-1"},
        {"127.0.0.1", "127.0.0.0/8x"},     {"127.0.0.1", "/8"},
        {"127.0.0.1", ""},                 {"", "127.0.0.0/8"},
        {"", "0.0.0.0/0"},                 {"unknown", "0.0.0.0/0"},
        {"127.0.0.1 ", "0.0.0.0/0"},       {"127.1", "127.0.0.0/8"},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", "::/0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (lies_in(cases[i][0], cases[i][1]))
            fail_msg("%s is not in %s", cases[i][0], cases[i][1]);
    assert_false(network_contains(NULL, "127.0.0.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inside),
        cmocka_unit_test(outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
