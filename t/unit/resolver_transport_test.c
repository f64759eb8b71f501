/* The transport of questions: several servers, one dead or unwilling; without EDNS; over TCP; from
 * changing ports. What resolver_test.c cannot see with its one server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/dns/dns_answer.h"
#include "base/dns/dnswire.h"
#include "base/dns/resolver_servers.h"
#include "base/dns/resolver_transport.h"
#include "t/unit/resolver_world.h"

enum { TIMEOUT_S = 60, EDNS_COUNT_AT = 11 };

/* Replaces GLib's clock. */
static gint64 later_us;

gint64 g_get_monotonic_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000 + later_us;
}

/* ---- servers ---- */

/* A TXT record that says how the server saw the question. */
static bool say_text(struct packet *p, const struct packet *q, const char *text)
{
    struct packet data = {0};
    const unsigned char len = (unsigned char)strlen(text);
    put(&data, &len, 1);
    put(&data, text, len);
    begin_answer(p, q, 0x8180, (unsigned[]){1, 0});
    put_rr(p, NULL, DNS_TXT, 60, &data);
    return true;
}

static bool say_rcode(struct packet *p, const struct packet *q, unsigned rcode)
{
    begin_answer(p, q, 0x8180 | rcode, (unsigned[]){0, 0});
    return true;
}

static bool say_seen(struct packet *p, const struct packet *q, const char *server, bool tcp)
{
    char text[80];
    snprintf(text, sizeof text, "%s %s %s %d", server, tcp ? "tcp" : "udp",
             q->data[EDNS_COUNT_AT] ? "edns" : "plain", tcp ? 0 : ntohs(world_asker.sin_port));
    return say_text(p, q, text);
}

static bool say_cut(struct packet *p, const struct packet *q)
{
    begin_answer(p, q, 0x8380, (unsigned[]){0, 0});
    return true;
}

/* As BIND does it: it does not repeat a question that it could not read. */
static bool say_formerr(struct packet *p, const struct packet *q)
{
    say_rcode(p, q, 1);
    p->len = 12;
    memset(p->data + 4, 0, 8);
    return true;
}

static bool good(struct packet *p, const struct packet *q, const char *name, int type, bool tcp)
{
    (void)type;
    if (g_str_has_prefix(name, "formerr.") && q->data[EDNS_COUNT_AT])
        return say_formerr(p, q);
    if ((g_str_has_prefix(name, "cut.") || g_str_has_prefix(name, "hung.")) && !tcp)
        return say_cut(p, q);
    if (g_str_has_prefix(name, "closed."))
        return !tcp && say_cut(p, q);
    while (g_str_has_prefix(name, "hung.") && tcp)
        pause();
    say_seen(p, q, "good", tcp);
    if (g_str_has_prefix(name, "huge.") && !tcp) /* more than we take in a datagram, and no TC */
        p->len += 2000;
    return true;
}

/* Closes its listening socket (it got two) before it answers. */
static bool without_tcp(struct packet *p, const struct packet *q, const char *name, int type, bool tcp)
{
    close(world_listener);
    return good(p, q, name, type, tcp);
}

static bool unwilling(struct packet *p, const struct packet *q, const char *name, int type, bool tcp)
{
    (void)type, (void)tcp;
    return say_rcode(p, q, name[0] == 's' ? 2 : 5);
}

/* ---- the asking side ---- */

struct asking {
    struct world first, second;
    struct resolver_transport *t;
};

static struct asking begin(world_answer *first, world_answer *second)
{
    struct asking a = {.first = world_new(first)};
    GArray *servers = g_array_new(FALSE, FALSE, sizeof(struct resolver_server));
    if (second)
        a.second = world_new(second);
    for (int i = 0; i < (second ? 2 : 1); i++) {
        struct resolver_server s = {.len = sizeof(struct sockaddr_in)};
        struct sockaddr_in *in = (struct sockaddr_in *)&s.at;
        in->sin_family = AF_INET;
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        in->sin_port = htons((guint16)(i ? a.second.port : a.first.port));
        g_array_append_val(servers, s);
    }
    later_us = 0;
    a.t = resolver_transport_new(servers, TIMEOUT_S * G_USEC_PER_SEC);
    return a;
}

static void end(struct asking *a)
{
    resolver_transport_free(&a->t);
    world_end(&a->first);
    if (a->second.server)
        world_end(&a->second);
}

struct got {
    const char *name;
    int count;
    enum transport_end end;
    guint rcode;
    char text[128]; /* of the TXT record */
};

static void take(enum transport_end end, const guint8 *data, size_t len, void *arg)
{
    struct got *g = arg;
    g_autofree char *more = NULL;
    g->count++;
    g->end = end;
    assert_true((end == TRANSPORT_ANSWERED) == (data != NULL));
    if (!data)
        return;
    g->rcode = dnswire_rcode(data);
    struct dns_answer *a = dnswire_answer(data, len, g->name, DNS_TXT, &more);
    if (a->records->len)
        g_strlcpy(g->text, ((const struct dns_record *)a->records->pdata[0])->text, sizeof g->text);
    dns_answer_free(&a);
}

static void begin_to_ask(struct asking *a, const char *name, struct got *g)
{
    *g = (struct got){.name = name};
    assert_true(resolver_transport_ask(a->t, name, DNS_TXT, take, g));
    assert_int_equal(g->count, 0); /* never while it is asked */
}

static struct got ask(struct asking *a, const char *name)
{
    struct got g;
    begin_to_ask(a, name, &g);
    while (!g.count)
        resolver_transport_wait(a->t, -1, 1000);
    assert_int_equal(resolver_transport_out(a->t), 0);
    return g;
}

static void pass(struct asking *a, int seconds)
{
    later_us += seconds * G_USEC_PER_SEC;
    resolver_transport_wait(a->t, -1, 0);
}

/* ---- the tests ---- */

static void without_edns_if_it_must_be(void **state)
{
    (void)state;
    struct asking a = begin(good, NULL);
    assert_true(g_str_has_prefix(ask(&a, "x.test").text, "good udp edns "));
    assert_true(g_str_has_prefix(ask(&a, "formerr.x.test").text, "good udp plain "));
    assert_true(g_str_has_prefix(ask(&a, "y.test").text, "good udp edns ")); /* not for ever */
    end(&a);
}

static void what_is_too_long_comes_by_tcp(void **state)
{
    (void)state;
    struct asking a = begin(good, NULL);
    assert_string_equal(ask(&a, "cut.x.test").text, "good tcp edns 0");
    assert_string_equal(ask(&a, "huge.x.test").text, "good tcp edns 0");
    end(&a);
}

/* Truncated over UDP, then silence over TCP: the next attempt, and in the end the deadline. */
static void tcp_that_hangs(void **state)
{
    (void)state;
    struct asking a = begin(good, NULL);
    struct got g;
    begin_to_ask(&a, "hung.x.test", &g);
    for (int i = 0; i < TIMEOUT_S && !g.count; i++) {
        resolver_transport_wait(a.t, -1, 20); /* what there is to read */
        pass(&a, 1);
    }
    pass(&a, 1);
    assert_int_equal(g.count, 1);
    assert_int_equal(g.end, TRANSPORT_TIMED_OUT);
    end(&a);
}

/* Truncated over UDP, and over TCP nobody listens, or hangs up at once. */
static void tcp_that_is_refused(void **state)
{
    (void)state;
    struct asking a = begin(without_tcp, NULL);
    assert_int_equal(ask(&a, "cut.x.test").end, TRANSPORT_REFUSED);
    end(&a);
    a = begin(good, NULL);
    assert_int_equal(ask(&a, "closed.x.test").end, TRANSPORT_REFUSED);
    end(&a);
}

static void another_server_may_know_better(void **state)
{
    (void)state;
    struct asking a = begin(unwilling, good);
    assert_true(g_str_has_prefix(ask(&a, "servfail.test").text, "good "));
    assert_true(g_str_has_prefix(ask(&a, "refused.test").text, "good "));
    end(&a);
    a = begin(unwilling, unwilling);
    const struct got g = ask(&a, "servfail.test");
    assert_int_equal(g.end, TRANSPORT_ANSWERED);
    assert_int_equal(g.rcode, 2);
    end(&a);
}

static void one_of_two_is_gone(void **state)
{
    (void)state;
    struct asking a = begin(good, good);
    world_end(&a.first);
    assert_true(g_str_has_prefix(ask(&a, "x.test").text, "good ")); /* the clock stands: refused */
    world_end(&a.second);
    assert_int_equal(ask(&a, "y.test").end, TRANSPORT_REFUSED);
    a.first = a.second = (struct world){0};
    a.first = world_new(good);
    end(&a);
}

static void one_of_two_is_silent(void **state)
{
    (void)state;
    struct asking a = begin(good, good);
    struct got g;
    kill(a.first.server, SIGSTOP);
    begin_to_ask(&a, "x.test", &g);
    pass(&a, TIMEOUT_S / 3 / 2 - 1);
    assert_int_equal(g.count, 0);
    pass(&a, 2); /* the second is asked */
    while (!g.count)
        resolver_transport_wait(a.t, -1, 1000);
    assert_true(g_str_has_prefix(g.text, "good "));
    kill(a.second.server, SIGSTOP);
    begin_to_ask(&a, "y.test", &g);
    for (int i = 0; i < TIMEOUT_S - 1; i++)
        pass(&a, 1);
    assert_int_equal(g.count, 0);
    pass(&a, 2);
    assert_int_equal(g.end, TRANSPORT_TIMED_OUT);
    end(&a);
}

/* A forger must guess more than the id (RFC 5452, section 9). */
static void ports_change(void **state)
{
    (void)state;
    struct asking a = begin(good, NULL);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < 200; i++) {
        const struct got g = ask(&a, "x.test");
        g_hash_table_add(seen, g_strdup(strrchr(g.text, ' ')));
    }
    assert_in_range(g_hash_table_size(seen), 6, 7);
    end(&a);
}

static void dropped_without_a_word(void **state)
{
    (void)state;
    struct asking a = begin(good, NULL);
    struct got g[3];
    for (int i = 0; i < 3; i++)
        begin_to_ask(&a, "x.test", &g[i]);
    resolver_transport_drop(a.t);
    assert_int_equal(resolver_transport_out(a.t), 0);
    assert_true(g_str_has_prefix(ask(&a, "y.test").text, "good "));
    assert_int_equal(g[0].count + g[1].count + g[2].count, 0);
    end(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_edns_if_it_must_be),
        cmocka_unit_test(what_is_too_long_comes_by_tcp),
        cmocka_unit_test(tcp_that_hangs),
        cmocka_unit_test(tcp_that_is_refused),
        cmocka_unit_test(another_server_may_know_better),
        cmocka_unit_test(one_of_two_is_gone),
        cmocka_unit_test(one_of_two_is_silent),
        cmocka_unit_test(ports_change),
        cmocka_unit_test(dropped_without_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
