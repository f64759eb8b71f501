/* Where an attempt came from: which retries share an origin with it, and which look-alikes do not. */
#include <stdio.h>

#include "filterd/pipeline/delivered_attempt.h"
#include "filterd/pipeline/delivered_origins.h"
#include "t/unit/pipeline_world.h"

static struct listener before = {.name = (char *)"smtp", .protocol = PROTO_SMTP};
static const struct spf_result unchecked;

static struct delivered_origins origins_of(const char *raw)
{
    struct message *m = message_new(raw, strlen(raw));
    const struct delivered_origins o = delivered_origins_of(&context->delivered_key, &received, m, settings.hostname);
    message_free(&m);
    return o;
}

static bool share_first(const struct delivered_origins *a, size_t count, const struct delivered_origins *b)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < b->count; j++)
            if (memcmp(a->digests[i], b->digests[j], DELIVERED_ORIGIN_BYTES) == 0)
                return true;
    return false;
}

static bool share(const struct delivered_origins *a, const struct delivered_origins *b)
{
    return share_first(a, a->count, b);
}

#undef TEST
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_open, world_close)

/* ---- after the queue ---- */

static struct delivered_origins queued(const char *host, const char *ident, const char *raw)
{
    g_free(envelope->helo);
    g_free(envelope->queue_id);
    envelope->helo = g_strdup(host);
    envelope->queue_id = g_strdup(ident);
    return origins_of(raw);
}

#define FROM "Received: from a.example (a.example [192.0.2.1])\r\n\tby "
#define TAIL "\r\n\tfor <b@example.org>; Sat, 21 Nov 2026 19:00:02 +0000\r\n" MAIL
#define OURS FROM "MX.example.org (Postfix) with ESMTP id 4ABC" TAIL
#define OTHER FROM "MX.example.org (Postfix) with ESMTP id 4ABD" TAIL
#define THEIRS FROM "mail.a.example (Postfix) with ESMTP id 4ABC" TAIL

static void the_queue_file(void **state)
{
    const struct delivered_origins o = queued("mx.example.org", "Q1", OURS);
    (void)state;
    assert_int_equal(o.count, 1);
    assert_int_equal(o.sure, 1);
    assert_true(o.queue);
    struct delivered_origins p = queued("MX.EXAMPLE.ORG", "Q1", OURS);
    assert_true(share(&o, &p));
    p = queued("mx.example.org", "Q2", OURS);
    assert_false(share(&o, &p));
    p = queued("mx2.example.org", "Q1", OURS);
    assert_false(share(&o, &p));
    p = queued("mx.example.org", "Q1", OTHER); /* two files that one upstream file became */
    assert_false(share(&o, &p));
}

/* Local mail and bounces, and filterd-pipe, which has no listener and no HELO. */
static void only_the_received_field(void **state)
{
    (void)state;
    for (int pipe = 0; pipe < 2; pipe++) {
        envelope->listener = pipe ? NULL : &inbound;
        const char *host = pipe ? NULL : "mx.example.org";
        const struct delivered_origins o = queued(host, NULL, OURS);
        struct delivered_origins p = queued(host, NULL, OURS);
        assert_int_equal(o.count, 1);
        assert_true(o.queue);
        assert_true(share(&o, &p));
        p = queued(host, NULL, OTHER);
        assert_false(share(&o, &p));
        p = queued(host, NULL, THEIRS); /* everybody can write that */
        assert_int_equal(p.count, 0);
        p = queued(host, NULL, MAIL);
        assert_int_equal(p.count, 0);
    }
    const struct delivered_origins o = queued("relay.example.org", NULL,
                                              FROM "relay.example.org (Postfix) with ESMTP id 4ABC" TAIL);
    assert_int_equal(o.count, 1); /* by the name the MTA gives itself */
}

/* What proves something about the sender is nothing here: each message has a queue file. */
static void no_network_behind_the_queue(void **state)
{
    (void)state;
    envelope->client_addr = g_strdup("192.0.2.1");
    played_evidence.proved[0] = "a.example";
    const struct delivered_origins o = queued("mx.example.org", "Q1", MAIL), p = queued("mx.example.org", "Q2", MAIL);
    assert_false(share(&o, &p));
    envelope->listener = &before; /* content_filter=smtp: */
    const struct delivered_origins q = queued("mx.example.org", "Q1", MAIL), r = queued("mx.example.org", "Q2", MAIL);
    assert_true(share(&o, &q));
    assert_false(share(&q, &r));
}

/* ---- before it ---- */

/* By SPF for this domain, and by a signature of that; each may be NULL. */
static struct delivered_origins comes(const char *address, const char *spf, const char *dkim)
{
    envelope->listener = &before;
    g_free(envelope->client_addr);
    envelope->client_addr = g_strdup(address);
    played_evidence.spf = unchecked;
    if (spf) {
        played_evidence.spf.code = SPF_CODE_PASS;
        g_strlcpy(played_evidence.spf.domain, spf, sizeof played_evidence.spf.domain);
    }
    played_evidence.proved[0] = dkim;
    return origins_of("Received: by mx.example.org id 4ABC; Sat\r\n" MAIL); /* nothing of ours is on top here */
}

static void the_network(void **state)
{
    static const char *const same[][2] = {{"192.0.2.1", "192.0.2.254"}, {"::ffff:192.0.2.9", "192.0.2.1"},
                                          {"2001:db8:1:2::1", "2001:db8:1:2:ffff::"}};
    static const char *const others[][2] = {{"192.0.2.1", "192.0.3.1"}, {"2001:db8:1:2::1", "2001:db8:1:3::1"}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
        const struct delivered_origins o = comes(same[i][0], NULL, NULL), p = comes(same[i][1], NULL, NULL);
        assert_int_equal(o.count, 1);
        assert_int_equal(o.sure, 1);
        assert_false(o.queue);
        assert_true(share(&o, &p));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        const struct delivered_origins o = comes(others[i][0], NULL, NULL), p = comes(others[i][1], NULL, NULL);
        assert_false(share(&o, &p));
    }
    assert_int_equal(comes(NULL, NULL, NULL).count, 0);
    assert_int_equal(comes("unknown", NULL, NULL).count, 0);
}

/* A provider that comes again from elsewhere. */
static void the_proved_domain(void **state)
{
    (void)state;
    const struct delivered_origins spf = comes("192.0.2.1", "a.example", NULL);
    struct delivered_origins again = comes("198.51.100.1", "A.Example", NULL);
    assert_true(share(&spf, &again));
    const struct delivered_origins dkim = comes("192.0.2.1", NULL, "a.example");
    again = comes("198.51.100.1", NULL, "A.EXAMPLE");
    assert_true(share(&dkim, &again));
    assert_true(share(&spf, &again)); /* proved in two ways, and the same all the same */
    again = comes("198.51.100.1", NULL, NULL);
    assert_false(share(&spf, &again));
    assert_false(share(&dkim, &again));
    again = comes("198.51.100.1", NULL, "other.example"); /* neither the sender's nor From's */
    assert_false(share(&dkim, &again));
    const struct delivered_origins bounce = comes("192.0.2.1", "mail.a.example", NULL); /* proved by HELO */
    again = comes("198.51.100.1", "mail.a.example", NULL);
    assert_true(share(&bounce, &again));
    played_evidence.spf.code = SPF_CODE_SOFTFAIL;
    again = origins_of(MAIL);
    assert_false(share(&bounce, &again));
}

/* A signature can be sent on together with the mail it is in: whose copy was spam leaves nothing that the genuine
 * one shares. */
static void a_signature_is_not_sure(void **state)
{
    (void)state;
    const struct delivered_origins genuine = comes("192.0.2.1", "a.example", "a.example");
    const struct delivered_origins replayed = comes("203.0.113.1", NULL, "a.example");
    assert_true(share(&genuine, &replayed));
    assert_int_equal(replayed.sure, 1);
    assert_false(share_first(&replayed, replayed.sure, &genuine));
    assert_int_equal(genuine.sure, 2);
}

/* What the keeper is told of a copy that was spam, and of one that was not. */
static void how_many_origins(const char *raw, double weight, gsize want)
{
    GVariant *told;
    gsize len;
    received.attempt = delivered_attempt_new();
    weighs(weight);
    run_to(raw, TO("keyless@example.org"));
    const char *text = strchr(played_nth("retry-served", 0), ' ');
    assert_non_null(text);
    told = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);
    assert_non_null(told);
    g_autoptr(GVariant) origins = g_variant_lookup_value(told, "origins", G_VARIANT_TYPE_BYTESTRING);
    g_variant_get_fixed_array(origins, &len, 1);
    assert_int_equal(len, want * DELIVERED_ORIGIN_BYTES);
    g_variant_unref(told);
    delivered_attempt_free(&received.attempt);
}

static void what_the_keeper_is_told(void **state)
{
    (void)state;
    user("keyless@example.org");
    comes("203.0.113.1", NULL, "a.example");
    how_many_origins(MAIL, 0, 2);
    how_many_origins(MAIL, 6, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_queue_file), TEST(only_the_received_field), TEST(no_network_behind_the_queue), TEST(the_network),
        TEST(the_proved_domain), TEST(a_signature_is_not_sure), TEST(what_the_keeper_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
