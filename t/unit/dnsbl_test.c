/* DNS lists and their table: which answers count, which do not, and what makes a list sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/config/settings.h"
#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"
#include "base/log.h"
#include "base/mail/message.h"
#include "base/mail/reading.h"
#include "rules/dnsbl.h"
#include "rules/dnsbl_address.h"
#include "rules/dnsbl_life.h"
#include "rules/dnsbl_list.h"
#include "rules/dnsbl_table.h"
#include "rules/hits.h"
#include "t/unit/resolver_world.h"

static gint64 later_us;

gint64 g_get_monotonic_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000 + later_us;
}

/* ---- the table ---- */

static char *folder, *file;

static int make_folder(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("filterd-dnsbl-XXXXXX", NULL);
    file = folder ? g_build_filename(folder, "dnsbl.conf", NULL) : NULL;
    return file ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    g_unlink(file);
    const int failed = rmdir(folder);
    g_free(file);
    g_free(folder);
    return failed;
}

static void bad(const char *text, int line, const char *what)
{
    g_autofree char *error = NULL;
    assert_true(g_file_set_contents(file, text, -1, NULL));
    GPtrArray *zones = dnsbl_table_load(file, &error);
    g_autofree char *prefix = g_strdup_printf("%s:%d: ", file, line);
    if (zones)
        fail_msg("accepted: %s", text);
    if (!g_str_has_prefix(error, prefix) || !strstr(error, what) || strchr(error, '\n'))
        fail_msg("got \"%s\", expected \"%s...%s\"", error, prefix, what);
}

static void wrong_tables(void **state)
{
    (void)state;
    const char *const lines[] = {
        "127.0.0.2=bad", "127.0.0.2=bad much", "127.0.0.2=Bad 1", "127.0.0.2=bad 11",
        "127.0.0.2=bad nan", "127.0.0.2=bad 1x", "127.0.0=bad 1", "127.0.0.2.3=bad 1",
        "127.0.0.256=bad 1", "127.0.0.7-4=bad 1", "128.0.0.2=bad 1", "&0=bad 1", "&256=bad 1",
        "asks=ip5", "asks=", "weight=1", "name=a b", "127.0.0.2=", "source="};
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *text = g_strdup_printf("# first\n[bl.test]\n%s\n", lines[i]);
        bad(text, 3, "[bl.test] ");
    }
    bad("[bl.test]\n127.0.0.2=bad 1\n", 1, "asks");
    bad("[bl.test]\nasks=ip4 uri\n127.0.0.2=bad 1\n", 1, "write two");
    bad("[bl.test]\nasks=ip4\n127.0.0.2=error\n[b.test]\n", 1, "means anything");
    bad("[bltest]\nasks=ip4\n", 1, "zone");
    bad("[bl.test]\nasks=ip4\n127.0.0.2=bad 1\n[bl.test]\n", 4, "already");
}

static bool matches(const char *pattern, const char *address)
{
    char *error = NULL;
    struct dnsbl_address a;
    g_autofree char *text = g_strdup_printf("[bl.test]\nasks=ip4\n%s=bad 1\n", pattern);
    assert_true(g_file_set_contents(file, text, -1, NULL));
    GPtrArray *zones = dnsbl_table_load(file, &error);
    if (!zones)
        fail_msg("%s", error);
    const struct dnsbl_zone *z = zones->pdata[0];
    assert_true(dnsbl_address_parse(&a, address));
    const bool yes = dnsbl_code_matches(z->codes->pdata[0], a.bytes);
    g_ptr_array_unref(zones);
    return yes;
}

static void answers_and_masks(void **state)
{
    (void)state;
    assert_true(matches("127.0.0.2", "127.0.0.2"));
    assert_false(matches("127.0.0.2", "127.0.1.2"));
    assert_true(matches("127.0.0.4-7", "127.0.0.7"));
    assert_false(matches("127.0.0.4-7", "127.0.0.8"));
    assert_true(matches("127.0.*.3", "127.0.15.3"));
    assert_false(matches("127.0.*.3", "127.1.15.3"));
    assert_true(matches("&8", "127.0.0.12"));
    assert_false(matches("&8", "127.0.0.7"));
}

static const struct dnsbl_zone *zone_called(const GPtrArray *zones, const char *name)
{
    for (guint i = 0; i < zones->len; i++)
        if (strcmp(((const struct dnsbl_zone *)zones->pdata[i])->zone, name) == 0)
            return zones->pdata[i];
    fail_msg("%s is not shipped", name);
    return NULL;
}

/* No shipped list alone marks a message as spam, except for networks that criminals took over. */
static void check_weights(const struct dnsbl_zone *z)
{
    for (guint i = 0; i < z->codes->len; i++) {
        const struct dnsbl_code *c = z->codes->pdata[i];
        if (c->weight >= 2.2 && strcmp(c->name, "drop") != 0)
            fail_msg("%s/%s weighs %g", z->zone, c->name, c->weight);
    }
}

static guint count(const char *text, const char *piece)
{
    guint n = 0;
    for (const char *p = text; (p = strstr(p, piece)); p++)
        n++;
    return n;
}

static void the_shipped_table(void **state)
{
    static const struct {
        const char *zone;
        guint8 error[4];
    } errors[] = {
        {"zen.spamhaus.org", {127, 255, 255, 252}}, {"zen.spamhaus.org", {127, 255, 255, 254}},
        {"zen.spamhaus.org", {127, 255, 255, 255}}, {"dbl.spamhaus.org", {127, 255, 255, 254}},
        {"dbl.spamhaus.org", {127, 0, 1, 255}},     {"list.dnswl.org", {127, 0, 0, 255}},
        {"list.dnswl.org", {127, 0, 10, 3}},        {"multi.uribl.com", {127, 0, 0, 1}},
        {"multi.uribl.com", {127, 0, 0, 255}},
    };
    (void)state;
    char *error = NULL;
    g_autofree char *text = NULL;
    GPtrArray *zones = dnsbl_table_load("rules/dnsbl.conf", &error);
    if (!zones)
        fail_msg("%s", error);
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
        assert_non_null(dnsbl_life_error(zone_called(zones, errors[i].zone), errors[i].error));
    assert_null(dnsbl_life_error(zone_called(zones, "list.dnswl.org"), (guint8[]){127, 0, 4, 3}));
    for (guint i = 0; i < zones->len; i++)
        check_weights(zones->pdata[i]);
    assert_true(g_file_get_contents("rules/dnsbl.conf", &text, NULL, NULL));
    assert_int_equal(count(text, "\nsource=https://"), zones->len);
    assert_int_equal(count(text, "\nlooked_up=20"), zones->len);
    g_ptr_array_unref(zones);
}

static void addresses(void **state)
{
    (void)state;
    struct dnsbl_address a;
    const char *const private[] = {"10.1.2.3", "127.0.0.1", "192.168.0.1", "172.31.255.255",
                                   "169.254.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
                                   "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1"};
    const char *const public[] = {"11.0.0.1", "172.32.0.1", "100.128.0.1", "192.0.2.1", "2001:db8::1",
                                  "[192.0.2.1]", "IPv6:2001:db8::1", "::ffff:192.0.2.1"};
    const char *const none[] = {"", "example.org", "1.2.3", "1.2.3.4.5", "[", "IPv6:"};
    for (size_t i = 0; i < G_N_ELEMENTS(private); i++)
        assert_true(dnsbl_address_parse(&a, private[i]) && dnsbl_address_is_private(&a));
    for (size_t i = 0; i < G_N_ELEMENTS(public); i++)
        assert_true(dnsbl_address_parse(&a, public[i]) && !dnsbl_address_is_private(&a));
    for (size_t i = 0; i < G_N_ELEMENTS(none); i++)
        assert_false(dnsbl_address_parse(&a, none[i]));
    assert_true(dnsbl_address_parse(&a, "::ffff:192.0.2.1"));
    g_autofree char *four = dnsbl_address_reversed(&a);
    assert_string_equal(four, "1.2.0.192");
    assert_true(dnsbl_address_parse(&a, "2001:db8::567:89ab"));
    g_autofree char *six = dnsbl_address_reversed(&a);
    assert_string_equal(six, "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2");
}

/* ---- lists that answer ---- */

#define TABLE                                                                               \
    "[bl.test]\nasks=ip4 ip6\n127.0.0.2=spam 1.5 sends spam\n127.0.0.3=worse 2\n"            \
    "127.0.0.10-11=home 0.5\n127.255.255.252-255=error asked through an open resolver\n"     \
    "[wl.test]\nasks=ip4\nname=friends\n127.0.*.1=some -0.5\n127.0.*.2=more -1.5\n"          \
    "[dbl.test]\nasks=helo sender ptr uri\n&1=error refused\n&2=black 1\n&4=grey 0.25\n"      \
    "[all.test]\nasks=ip4\n127.0.0.2=spam 1\n[empty.test]\nasks=ip4\n127.0.0.2=spam 1\n"      \
    "[gone.test]\nasks=ip4\n127.0.0.2=spam 1\n[mute.test]\nasks=ip4\n127.0.0.2=spam 1\n"

static bool say(struct packet *p, const struct packet *q, const char *bytes, unsigned count)
{
    struct packet data = {.len = 4};
    begin_answer(p, q, count ? 0x8180 : 0x8183, (unsigned[]){count, 0});
    for (unsigned i = 0; i < count; i++) {
        memcpy(data.data, bytes + 4 * i, 4);
        put_rr(p, NULL, DNS_A, 60, &data);
    }
    return true;
}

/* Names begin with the reversed address: what its first two letters are decides. */
static bool answer(struct packet *p, const struct packet *q, const char *name, int type, bool tcp)
{
    const bool test = g_str_has_prefix(name, "2.0.0.127.") || g_str_has_prefix(name, "test.");
    const bool not = g_str_has_prefix(name, "1.0.0.127.") || g_str_has_prefix(name, "invalid.");
    (void)type;
    (void)tcp;
    if (g_str_has_suffix(name, "mute.test"))
        return say(p, q, "", 0) && (p->data[3] = 0x82);
    if (g_str_has_suffix(name, "gone.test"))
        return say(p, q, "\xc0\0\2\x63", 1);
    if (g_str_has_suffix(name, "all.test"))
        return say(p, q, "\x7f\0\0\2", 1);
    if (g_str_has_suffix(name, "empty.test") || not)
        return say(p, q, "", 0);
    if (test)
        return say(p, q, "\x7f\0\0\2", 1);
    if (g_str_has_suffix(name, "wl.test"))
        return say(p, q, "\x7f\0\x0f\1\x7f\0\x0f\2", g_str_has_prefix(name, "6.") ? 2 : 0);
    if (g_str_has_suffix(name, "dbl.test"))
        return say(p, q, g_str_has_prefix(name, "refused.") ? "\x7f\0\0\1" : "\x7f\0\0\6", 1);
    if (g_str_has_prefix(name, "2."))
        return say(p, q, "\x7f\0\0\2\x7f\0\0\x0a\x7f\0\0\x63", 3);
    if (g_str_has_prefix(name, "3.") || g_str_has_prefix(name, "b.a."))
        return say(p, q, "\x7f\0\0\3\x7f\0\0\2", 2);
    if (g_str_has_prefix(name, "9."))
        return say(p, q, "\x7f\xff\xff\xfe\x7f\0\0\2", 2);
    return say(p, q, "", 0);
}

struct asking {
    struct world world;
    struct settings settings;
    struct resolver *r;
    struct dnsbl *d;
    GPtrArray *hits;
    struct dnsbl_check *check;
};

static void begin_check(struct asking *a)
{
    a->hits = hits_new();
    a->check = dnsbl_check_new(a->d, a->r, a->hits);
}

static void end_check(struct asking *a)
{
    dnsbl_check_free(&a->check);
    g_ptr_array_unref(a->hits);
}

static struct asking begin(const char *table)
{
    struct asking a = {.world = world_new(answer)};
    char *error = NULL;
    later_us = 0;
    a.settings.dns_server.host = g_strdup("127.0.0.1");
    a.settings.dns_server.port = g_strdup_printf("%d", a.world.port);
    a.settings.dns_timeout_ms = 1000;
    a.r = resolver_new(&a.settings, &error);
    assert_true(g_file_set_contents(file, table, -1, NULL));
    a.d = dnsbl_load(file, &error);
    if (!a.d)
        fail_msg("%s", error);
    begin_check(&a);
    return a;
}

static void end(struct asking *a)
{
    end_check(a);
    dnsbl_free(&a->d);
    resolver_free(&a->r);
    world_end(&a->world);
    g_free(a->settings.dns_server.host);
    g_free(a->settings.dns_server.port);
}

/* Asks for an address in a check of its own; the hits as "name=weight ...". */
static char *hits_of(struct asking *a, const char *address)
{
    GString *out = g_string_new(NULL);
    end_check(a);
    begin_check(a);
    dnsbl_check_address(a->check, address);
    assert_true(resolver_pump(a->r, -1, 3000));
    for (guint i = 0; i < a->hits->len; i++) {
        const struct hit *h = a->hits->pdata[i];
        g_string_append_printf(out, "%s%s=%g", i ? " " : "", h->name, h->weight);
    }
    return g_string_free(out, FALSE);
}

static void check_hits(struct asking *a, const char *address, const char *want)
{
    g_autofree char *got = hits_of(a, address);
    assert_string_equal(got, want);
}

static void check_state(const char *name, enum dnsbl_state state, const char *why, void *arg)
{
    static const struct {
        const char *name;
        enum dnsbl_state state;
        const char *why;
    } want[] = {
        {"bl.test", DNSBL_ALIVE, NULL},         {"friends", DNSBL_ALIVE, NULL},
        {"dbl.test", DNSBL_ALIVE, NULL},        {"all.test", DNSBL_ASLEEP, "everything"},
        {"empty.test", DNSBL_ASLEEP, "empty"},  {"gone.test", DNSBL_ASLEEP, "192.0.2.99"},
        {"mute.test", DNSBL_SILENT, "answer"},
    };
    int *i = arg;
    assert_string_equal(name, want[*i].name);
    assert_int_equal(state, want[*i].state);
    assert_true((why != NULL) == (want[*i].why != NULL));
    assert_true(!why || strstr(why, want[*i].why));
    ++*i;
}

static void what_counts(void **state)
{
    (void)state;
    struct asking a = begin(TABLE);
    int i = 0;
    /* Lists that have not been proved are asked, and judged when they are: in the same round. */
    check_hits(&a, "198.51.100.2", "dnsbl:bl.test/spam=1.5 dnsbl:bl.test/home=0");
    g_autofree char *summary = dnsbl_check_summary(a.check);
    assert_string_equal(summary, "bl.test=127.0.0.2,bl.test=127.0.0.10");
    assert_string_equal(((struct hit *)a.hits->pdata[0])->reason,
                        "198.51.100.2 is listed by bl.test (127.0.0.2): sends spam");
    dnsbl_probe(a.d, a.r);
    resolver_pump(a.r, -1, 3000);
    dnsbl_each(a.d, check_state, &i);
    assert_int_equal(i, 7);
    check_hits(&a, "2001:db8::567:89ab", "dnsbl:bl.test/worse=2 dnsbl:bl.test/spam=0");
    check_hits(&a, "::ffff:198.51.100.3", "dnsbl:bl.test/worse=2 dnsbl:bl.test/spam=0");
    check_hits(&a, "198.51.100.6", "dnsbl:friends/some=-0.5 dnsbl:friends/more=-1");
    check_hits(&a, "198.51.100.7", "");
    g_autofree char *nothing = dnsbl_check_summary(a.check);
    assert_string_equal(nothing, "");
    check_hits(&a, "192.168.1.2", "");
    g_autofree char *unasked = dnsbl_check_summary(a.check);
    assert_string_equal(unasked, "-");
    assert_int_equal(dnsbl_check_asked(a.check), 0);
    end(&a);
}

static void errors_put_to_sleep(void **state)
{
    (void)state;
    struct asking a = begin(TABLE);
    check_hits(&a, "198.51.100.2", "dnsbl:bl.test/spam=1.5 dnsbl:bl.test/home=0");
    check_hits(&a, "198.51.100.9", ""); /* with a code besides that would count */
    check_hits(&a, "198.51.100.2", "");
    later_us = (gint64)3601 * G_USEC_PER_SEC;
    check_hits(&a, "198.51.100.2", "dnsbl:bl.test/spam=1.5 dnsbl:bl.test/home=0");
    end(&a);
}

static guint asked_uris;

static void ask_uri(struct asking *a, const char *host)
{
    const guint before = resolver_outstanding(a->r);
    dnsbl_check_domain(a->check, DNSBL_URI, host);
    asked_uris += resolver_outstanding(a->r) - before;
}

static void domains(void **state)
{
    (void)state;
    struct asking a = begin(TABLE);
    dnsbl_probe(a.d, a.r);
    resolver_pump(a.r, -1, 3000);
    asked_uris = 0;
    const char *const addresses[] = {"192.0.2.1", "[192.0.2.1]", "2001:db8::1", "0x7f.1", "3221225985",
                                     "1.2.3.4.", "::ffff:1.2.3.4", "localhost", "com", "co.uk", "", "."};
    for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++)
        ask_uri(&a, addresses[i]);
    assert_int_equal(asked_uris, 0);
    ask_uri(&a, "a.b.Spam.CO.UK.");
    assert_int_equal(asked_uris, 1);
    ask_uri(&a, "c.spam.co.uk");
    dnsbl_check_domain(a.check, DNSBL_HELO, "mail.spam.co.uk");
    assert_int_equal(asked_uris, 1); /* each domain once */
    ask_uri(&a, "b\xc3\xbc" "cher.example.com");
    ask_uri(&a, "www.b\xc3\xbc" "cher.com");
    ask_uri(&a, "xn--bcher-kva.com");
    assert_int_equal(asked_uris, 3);
    for (int i = 0; i < 30; i++) {
        char host[32];
        snprintf(host, sizeof host, "host%d.com", i);
        ask_uri(&a, host);
    }
    assert_int_equal(asked_uris, 20);
    resolver_pump(a.r, -1, 3000);
    assert_int_equal(a.hits->len, 2);
    assert_true(fabs(hits_weight(a.hits) - 1) < 1e-9); /* of 20 domains, black and grey */
    dnsbl_check_domain(a.check, DNSBL_SENDER, "refused.org");
    resolver_pump(a.r, -1, 3000);
    dnsbl_check_domain(a.check, DNSBL_SENDER, "more.org");
    assert_int_equal(resolver_outstanding(a.r), 0); /* asleep */
    end(&a);
}

static void dropped_in_the_middle(void **state)
{
    (void)state;
    struct asking a = begin(TABLE);
    dnsbl_check_address(a.check, "198.51.100.2");
    end_check(&a);
    begin_check(&a);
    dnsbl_check_address(a.check, "198.51.100.3");
    end(&a); /* also while the lists' own tests are under way */
}

/* ---- hosts of a message's links ---- */

static void ask_link(const char *host, void *arg)
{
    ask_uri(arg, host);
}

/* Links as browsers open them are asked for. */
static void links(void **state)
{
    (void)state;
    static const char *const hrefs[] = {"http:/a.spam.co.uk/", "http:spam.co.uk", "https:\\spam.co.uk", "http://sp\tam.co.uk/",
                                        "http&colon;&sol;&sol;spam&period;co&period;uk/", ("http://x@s%70am\xe3\x80\x82" "co.uk.")};
    for (size_t i = 0; i < G_N_ELEMENTS(hrefs); i++) {
        struct asking a = begin(TABLE);
        g_autofree char *raw = g_strdup_printf("Content-Type: text/html\r\n\r\n<a href=\"%s\">x</a>\r\n", hrefs[i]);
        dnsbl_probe(a.d, a.r);
        resolver_pump(a.r, -1, 3000);
        struct message *m = message_new(raw, strlen(raw));
        struct reading *r = reading_new(m);
        asked_uris = 0;
        reading_each_host(r, ask_link, &a);
        assert_int_equal(asked_uris, 1);
        resolver_pump(a.r, -1, 3000);
        assert_int_equal(a.hits->len, 2); /* as of spam.co.uk in the test of domains */
        reading_free(&r);
        message_free(&m);
        end(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_tables),
        cmocka_unit_test(answers_and_masks),
        cmocka_unit_test(the_shipped_table),
        cmocka_unit_test(addresses),
        cmocka_unit_test(what_counts),
        cmocka_unit_test(errors_put_to_sleep),
        cmocka_unit_test(domains),
        cmocka_unit_test(dropped_in_the_middle),
        cmocka_unit_test(links),
    };
    log_open(LOG_TO_STDERR, "dnsbl_test");
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
