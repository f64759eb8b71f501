/* The resolver against a name server that lies, sends garbage and falls silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/config/settings.h"
#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"
#include "base/log.h"
#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "t/unit/resolver_says.h"

/* Longer than any test waits: where time must pass, the test's clock below is advanced. */
enum { TIMEOUT_MS = 60000 };

/* Replaces GLib's clock, so that half an hour can pass at once. */
static gint64 later_us;

gint64 g_get_monotonic_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000 + later_us;
}

/* ---- the asking side ---- */

struct asking {
    struct world world;
    struct settings settings;
    struct resolver *r;
};

static struct asking begin(int timeout_ms)
{
    struct asking a = {.world = world_new(answer)};
    char *error = NULL;
    later_us = 0;
    a.settings.dns_server.host = g_strdup("127.0.0.1");
    a.settings.dns_server.port = g_strdup_printf("%d", a.world.port);
    a.settings.dns_timeout_ms = timeout_ms;
    a.r = resolver_new(&a.settings, &error);
    assert_non_null(a.r);
    return a;
}

static void end(struct asking *a)
{
    resolver_free(&a->r);
    world_end(&a->world);
    g_free(a->settings.dns_server.host);
    g_free(a->settings.dns_server.port);
}

static struct dns_answer *ask(struct asking *a, const char *name, enum dns_type type)
{
    return resolver_ask_now(a->r, name, type, 2 * TIMEOUT_MS);
}

static const struct dns_record *record(const struct dns_answer *a, guint i)
{
    assert_true(i < a->records->len);
    return a->records->pdata[i];
}

/* The last byte of NAME's address; any other answer as its negative status. */
static int address_of(struct asking *a, const char *name)
{
    struct dns_answer *got = ask(a, name, DNS_A);
    const int last = got->status == DNS_OK ? record(got, 0)->address[3] : -(int)got->status;
    assert_true((got->status == DNS_OK) == (got->records->len > 0));
    dns_answer_free(&got);
    return last;
}

struct heard {
    int count, ok, temp;
};

static void hear(const struct dns_answer *answer, void *arg)
{
    struct heard *h = arg;
    h->count++;
    h->ok += answer->status == DNS_OK;
    h->temp += answer->status == DNS_TEMP;
}

/* Advances the clock, and lets the resolver see it. */
static void pass(struct asking *a, int seconds)
{
    later_us += seconds * G_USEC_PER_SEC;
    resolver_pump(a->r, -1, 0);
}

/* How often the server was asked for silent.test. */
static int silences(struct asking *a)
{
    struct dns_answer *got = ask(a, "silences.test", DNS_A);
    const int n = record(got, 0)->address[3];
    dns_answer_free(&got);
    return n;
}

/* ---- the tests ---- */

static void answers(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    assert_int_equal(address_of(&a, "OK.test."), 1);
    assert_int_equal(address_of(&a, "none.test"), -DNS_NONE);
    assert_int_equal(address_of(&a, "servfail.test"), -DNS_TEMP);
    struct dns_answer *got = ask(&a, "nx.test", DNS_A);
    assert_int_equal(got->status, DNS_NONE);
    assert_true(got->no_such_name);
    assert_in_range(got->ttl, 4, 5);
    dns_answer_free(&got);
    got = ask(&a, "mx.test", DNS_MX);
    assert_int_equal(record(got, 0)->preference, 10);
    assert_string_equal(record(got, 0)->text, "mx.test");
    dns_answer_free(&got);
    got = ask(&a, "odd.test", DNS_MX);
    assert_string_equal(record(got, 0)->text, "a\\046\\010.test");
    dns_answer_free(&got);
    end(&a);
}

static void no_names(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    char label[70], name[300];
    memset(label, 'a', 64);
    strcpy(label + 64, ".t");
    memset(name, 'a', sizeof name);
    for (size_t i = 9; i < sizeof name; i += 10)
        name[i] = '.';
    name[254] = 0;
    const char *const bad[] = {"", ".ok.test", "ok..test", "o k.test", "ok.test\n", "\xc3\xa4.test",
                               "a\\.test", label, name};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct heard h = {0};
        resolver_ask(a.r, bad[i], DNS_A, hear, &h);
        assert_int_equal(h.count, 1);
        assert_int_equal(h.ok + h.temp, 0);
    }
    name[253] = 0; /* one less is a name */
    struct heard h = {0};
    resolver_ask(a.r, name, DNS_A, hear, &h);
    assert_int_equal(h.count, 0);
    resolver_forget(a.r, &h);
    end(&a);
}

static void kept_for_their_ttl(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    const int first = address_of(&a, "count.test");
    assert_int_equal(address_of(&a, "Count.TEST"), first);
    later_us = 20 * G_USEC_PER_SEC;
    struct dns_answer *got = ask(&a, "count.test", DNS_A);
    assert_int_equal(record(got, 0)->address[3], first);
    assert_in_range(got->ttl, 9, 10);
    dns_answer_free(&got);
    later_us = 31 * G_USEC_PER_SEC;
    assert_int_equal(address_of(&a, "count.test"), first + 1);
    assert_int_not_equal(address_of(&a, "always.test"), address_of(&a, "always.test"));
    end(&a);
}

static void many_names_are_not_all_kept(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    struct heard h = {0};
    const int first = address_of(&a, "count.test");
    for (int i = 0; i < 10100; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%d.ok.test", i);
        resolver_ask(a.r, name, DNS_A, hear, &h);
        if (i % 100 == 99)
            resolver_pump(a.r, -1, TIMEOUT_MS);
    }
    assert_int_equal(h.ok, 10100);
    assert_int_equal(address_of(&a, "count.test"), first + 1);
    end(&a);
}

static void aliases(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    struct dns_answer *got = ask(&a, "alias.test", DNS_A);
    assert_int_equal(record(got, 0)->address[3], 77);
    assert_int_equal(got->ttl, 3);
    dns_answer_free(&got);
    assert_int_equal(address_of(&a, "far.test"), 1);
    assert_int_equal(address_of(&a, "ring.test"), -DNS_TEMP);
    got = ask(&a, "far.test", DNS_CNAME);
    assert_string_equal(record(got, 0)->text, "ok.test");
    dns_answer_free(&got);
    end(&a);
}

static void long_answers_come_over_tcp(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    struct dns_answer *got = ask(&a, "long.test", DNS_TXT);
    assert_int_equal(got->status, DNS_OK);
    assert_int_equal(record(got, 0)->len, 3000);
    assert_int_equal(record(got, 0)->text[99], 0);
    assert_int_equal(record(got, 0)->text[2999], 'x');
    dns_answer_free(&got);
    end(&a);
}

static char over_what(struct asking *a, const char *name)
{
    struct dns_answer *got = ask(a, name, DNS_TXT);
    const char first = record(got, 0)->text[0];
    assert_int_equal(record(got, 0)->len, 900);
    dns_answer_free(&got);
    return first;
}

/* One FORMERR must not switch EDNS off for ever: DKIM keys would take two round trips more. */
static void keys_come_over_udp(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    assert_int_equal(over_what(&a, "medium.test"), 'u');
    assert_int_equal(address_of(&a, "formerr.test"), -DNS_TEMP);
    assert_int_equal(over_what(&a, "a.medium.test"), 'u');
    end(&a);
}

static void garbage(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    const char *const kinds[] = {"short", "length", "three", "loop"};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *name = g_strdup_printf("%s.garbage.test", kinds[i]);
        struct dns_answer *got = ask(&a, name, DNS_A);
        assert_int_equal(got->status, DNS_TEMP);
        assert_int_equal(got->ttl, 0); /* by its answer: for want of one, half a minute */
        dns_answer_free(&got);
    }
    struct dns_answer *got = ask(&a, "text.garbage.test", DNS_TXT);
    assert_int_equal(got->status, DNS_TEMP);
    assert_int_equal(got->records->len, 0);
    dns_answer_free(&got);
    assert_int_equal(address_of(&a, "stray.test"), 9);
    assert_int_equal(address_of(&a, "other.stray.test"), 9);
    end(&a);
}

/* SPF puts a sender's local part into names (RFC 7208, section 7.3), whatever bytes it has. */
static void odd_names(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    for (int c = '!'; c <= '~'; c++) {
        char name[40];
        if (c == '.' || c == '\\')
            continue;
        snprintf(name, sizeof name, "a%cb.odd.ok.test", c);
        assert_int_equal(address_of(&a, name), 1);
    }
    assert_int_equal(address_of(&a, "a\\046b\\001\\092.odd.ok.test"), 1);
    end(&a);
}

static void all_at_once(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    struct heard h = {0}, forgotten = {0};
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "p%d.ok.test", i);
        resolver_ask(a.r, name, DNS_A, hear, &h);
        resolver_ask(a.r, name, DNS_A, hear, &forgotten);
    }
    assert_int_equal(resolver_outstanding(a.r), 100);
    resolver_forget(a.r, &forgotten);
    assert_int_equal(resolver_outstanding(a.r), 100);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    assert_true(resolver_pump(a.r, pipe_fds[0], TIMEOUT_MS)); /* a client comes first */
    assert_true(resolver_pump(a.r, -1, TIMEOUT_MS));
    assert_int_equal(h.ok, 100);
    assert_int_equal(forgotten.count, 0);
    assert_int_equal(read(pipe_fds[0], &(char){0}, 1), 1);
    assert_false(resolver_pump(a.r, pipe_fds[0], 50)); /* nothing there */
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    end(&a);
}

/* Unlike address_of, does not wait for other questions. */
static bool is_answered(struct asking *a, const char *name)
{
    struct heard h = {0};
    resolver_ask(a->r, name, DNS_A, hear, &h);
    while (!h.count)
        resolver_pump(a->r, -1, 10);
    return h.ok == 1;
}

/* A question has its own deadline, whatever the server takes for others. */
static void a_slow_name_is_not_a_dead_server(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    struct heard h = {0};
    for (int i = 0; i < 50; i++) { /* by these it is a fast one */
        g_autofree char *name = g_strdup_printf("fast%d.ok.test", i);
        assert_int_equal(address_of(&a, name), 1);
    }
    assert_int_equal(address_of(&a, "slow.test"), 1);
    resolver_ask(a.r, "silent.test", DNS_A, hear, &h);
    for (int s = 0; s < TIMEOUT_MS / 1000; s += 10) {
        g_autofree char *name = g_strdup_printf("s%d.ok.test", s);
        assert_int_equal(h.count, 0);
        assert_true(is_answered(&a, name));
        pass(&a, 10);
    }
    pass(&a, 1);
    assert_int_equal(h.temp, 1);
    assert_false(resolver_is_down(a.r));
    assert_int_equal(silences(&a), 2);
    assert_int_equal(address_of(&a, "silent.test"), -DNS_TEMP); /* known by now */
    assert_int_equal(silences(&a), 2);
    assert_int_equal(address_of(&a, "ok.test"), 1);
    end(&a);
}

static void ask_many(struct asking *a, struct heard *h, const char *word)
{
    *h = (struct heard){0};
    for (int i = 0; i < 12; i++) {
        char name[40];
        snprintf(name, sizeof name, "%s%d.ok.test", word, i);
        resolver_ask(a->r, name, DNS_A, hear, h);
    }
}

static void a_dead_server_costs_its_time_once(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    struct heard h;
    kill(a.world.server, SIGSTOP);
    ask_many(&a, &h, "first");
    pass(&a, TIMEOUT_MS / 1000 * 2 / 5 + 1); /* the probe */
    pass(&a, TIMEOUT_MS / 1000 / 2 - 1);
    assert_int_equal(h.count, 0);
    pass(&a, 2);
    assert_int_equal(h.temp, 12);
    assert_true(resolver_is_down(a.r));
    ask_many(&a, &h, "second");
    assert_int_equal(h.temp, 12); /* at once */
    pass(&a, 31); /* still dead: found out sooner than the first time */
    ask_many(&a, &h, "third");
    pass(&a, 0);
    assert_int_equal(h.count, 0);
    pass(&a, 2);
    assert_int_equal(h.temp, 12);
    assert_true(resolver_is_down(a.r));
    kill(a.world.server, SIGCONT);
    assert_int_equal(address_of(&a, "fourth.ok.test"), -DNS_TEMP);
    later_us += 31 * G_USEC_PER_SEC;
    /* With the clock a second ahead for want of a processor it would be dead again: then once more. */
    for (int i = 0; i < 100 && !h.ok; i++) {
        ask_many(&a, &h, "fifth");
        resolver_pump(a.r, -1, TIMEOUT_MS);
        later_us += h.ok ? 0 : 31 * G_USEC_PER_SEC;
    }
    assert_int_equal(h.ok, 12);
    assert_false(resolver_is_down(a.r));
    end(&a);
}

/* The server stays down as long as it is silent; earlier answers do not count for it. */
static void a_server_that_died_is_found_out(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    struct heard h = {0};
    assert_int_equal(address_of(&a, "always.test"), 1);
    kill(a.world.server, SIGSTOP);
    resolver_ask(a.r, "always.test", DNS_A, hear, &h);
    resolver_ask(a.r, "ok.test", DNS_A, hear, &h);
    pass(&a, TIMEOUT_MS / 1000 * 2 / 5 + 1);
    pass(&a, TIMEOUT_MS / 1000 / 2 + 1);
    assert_int_equal(h.temp, 2);
    assert_true(resolver_is_down(a.r));
    kill(a.world.server, SIGCONT);
    end(&a);
}

/* The server is stopped, and whoever asked has forgotten the question before the probe's time was over. */
static void gives_up_while_a_probe_is_out(struct asking *a)
{
    struct heard h = {0};
    kill(a->world.server, SIGSTOP);
    resolver_ask(a->r, "a.ok.test", DNS_A, hear, &h);
    pass(a, TIMEOUT_MS / 1000 / 2);
    resolver_forget(a->r, &h);
    assert_int_equal(resolver_outstanding(a->r), 0);
    assert_int_equal(h.count, 0);
}

/* As it is when each message gives up at its deadline, just before: the next one finds out by a probe of its own. */
static void silence_is_seen_by_who_forgets(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    struct heard h = {0};
    gives_up_while_a_probe_is_out(&a);
    later_us += TIMEOUT_MS * (gint64)1000;
    resolver_ask(a.r, "b.ok.test", DNS_A, hear, &h);
    pass(&a, 1);
    assert_int_equal(h.count, 0);
    pass(&a, TIMEOUT_MS / 1000 / 2 + 1);
    const bool down = resolver_is_down(a.r);
    kill(a.world.server, SIGCONT);
    assert_int_equal(h.temp, 1);
    assert_true(down);
    end(&a);
}

/* A probe whose answer nobody was there to read proves nothing about a server that answers now. */
static void an_old_probe_is_no_sign(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    gives_up_while_a_probe_is_out(&a);
    later_us += 2 * TIMEOUT_MS * (gint64)1000;
    kill(a.world.server, SIGCONT);
    assert_int_equal(address_of(&a, "b.ok.test"), 1);
    assert_false(resolver_is_down(a.r));
    end(&a);
}

static void nobody_there(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    world_end(&a.world);
    struct dns_answer *got = ask(&a, "ok.test", DNS_A);
    assert_int_equal(got->status, DNS_TEMP);
    assert_int_equal(got->ttl, 0); /* refused, not waited for */
    dns_answer_free(&got);
    resolver_free(&a.r);
    a.world = world_new(answer);
    end(&a);
}

struct chain {
    struct resolver *r;
    struct heard inner, others;
};

static void hear_and_ask(const struct dns_answer *answer, void *arg)
{
    struct chain *c = arg;
    (void)answer;
    resolver_forget(c->r, &c->others);
    resolver_ask(c->r, "always.test", DNS_A, hear, &c->inner);
    resolver_ask(c->r, "inner.ok.test", DNS_A, hear, &c->inner);
}

static void who_is_told_may_ask_and_forget(void **state)
{
    (void)state;
    struct asking a = begin(TIMEOUT_MS);
    struct chain c = {.r = a.r};
    resolver_ask(a.r, "always.test", DNS_A, hear_and_ask, &c);
    resolver_ask(a.r, "always.test", DNS_A, hear, &c.others);
    resolver_ask(a.r, "other.ok.test", DNS_A, hear, &c.others);
    assert_true(resolver_pump(a.r, -1, TIMEOUT_MS));
    assert_int_equal(c.inner.ok, 2);
    assert_int_equal(c.others.count, 0);
    resolver_ask(a.r, "dropped.ok.test", DNS_A, hear, &c.others);
    end(&a); /* dropped without a word */
    assert_int_equal(c.others.count, 0);
}

/* As in a worker: forked, and then without the right to write anywhere. */
static void works_in_the_sandbox(void **state)
{
    (void)state;
    struct world w = world_new(answer);
    const pid_t child = fork();
    if (child == 0) {
        const char *why;
        struct asking a = {.world = w};
        char *error = NULL;
        if (!sandbox_close(&(struct sandbox){.kind = SANDBOX_WORKER}, &why))
            _exit(77); /* no Landlock here */
        a.settings.dns_server.host = g_strdup("127.0.0.1");
        a.settings.dns_server.port = g_strdup_printf("%d", w.port);
        a.settings.dns_timeout_ms = TIMEOUT_MS;
        a.r = resolver_new(&a.settings, &error);
        struct dns_answer *got = a.r ? ask(&a, "long.test", DNS_TXT) : NULL;
        _exit(got && got->status == DNS_OK && address_of(&a, "ok.test") == 1 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    world_end(&w);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(no_names),
        cmocka_unit_test(kept_for_their_ttl),
        cmocka_unit_test(many_names_are_not_all_kept),
        cmocka_unit_test(aliases),
        cmocka_unit_test(long_answers_come_over_tcp),
        cmocka_unit_test(keys_come_over_udp),
        cmocka_unit_test(garbage),
        cmocka_unit_test(odd_names),
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(a_slow_name_is_not_a_dead_server),
        cmocka_unit_test(a_dead_server_costs_its_time_once),
        cmocka_unit_test(a_server_that_died_is_found_out),
        cmocka_unit_test(silence_is_seen_by_who_forgets),
        cmocka_unit_test(an_old_probe_is_no_sign),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(who_is_told_may_ask_and_forget),
        cmocka_unit_test(works_in_the_sandbox),
    };
    log_open(LOG_TO_STDERR, "resolver_test");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
