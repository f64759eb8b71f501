/* Forged fields are removed in every disguise, ours are added, the others stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "classifier/classifier.h"
#include "filterd/pipeline/headers.h"
#include "filterd/pipeline/verdict.h"
#include "gpg/outside.h"

static const struct settings settings = {.hostname = (char *)"mx.example.org",
                                         .header_prefix = (char *)"X-DSPAM"};

static bool is_dropped(const char *field)
{
    g_autofree char *raw = g_strdup_printf("From: a@b\r\n%s\r\n\r\nbody\r\n", field);
    struct message *m = message_new(raw, strlen(raw));
    headers_drop_forged(m, &settings);
    assert_false(m->headers[0].dropped);
    bool dropped = m->header_count < 2 || m->headers[1].dropped;
    message_free(&m);
    return dropped;
}

static void forged(void **state)
{
    (void)state;
    assert_true(is_dropped("X-Filterd-Result: Innocent"));
    assert_true(is_dropped("x-fiLTerd-result:Innocent"));
    assert_true(is_dropped("X-Filterd-Result : Innocent"));
    assert_true(is_dropped("X-Filterd-Result:\r\n Innocent"));
    assert_true(is_dropped("X-Filterd-Anything: x"));
    assert_true(is_dropped("X-Spam-Flag: NO"));
    assert_true(is_dropped("X-DSPAM-Signature: 1"));
    assert_false(is_dropped("X-Filter: x"));
    assert_false(is_dropped("X-DSPAMMY: x"));
    assert_false(is_dropped("Subject: X-Filterd-Result: Spam"));
}

static void authentication_results(void **state)
{
    (void)state;
    assert_true(is_dropped("Authentication-Results: mx.example.org; spf=pass"));
    assert_true(is_dropped("Authentication-Results:\r\n\tMX.Example.ORG 1; none"));
    assert_true(is_dropped("Authentication-Results: (a (b) \\) c) mx.example.org; none"));
    assert_true(is_dropped("Authentication-Results: \"mx.example.org\"; none"));
    assert_true(is_dropped("Authentication-Results: (open"));
    assert_true(is_dropped("Authentication-Results: \"mx.example\\.org\"; spf=pass"));
    assert_true(is_dropped("Authentication-Results: \"mx.example.org"));
    assert_true(is_dropped("Authentication-Results: mx.example.org.; spf=pass"));
    assert_true(is_dropped("Authentication-Results: mx.example.org"));
    assert_true(is_dropped("Authentication-Results: mx.example.org."));
    assert_true(is_dropped("Authentication-Results:"));
    assert_false(is_dropped("Authentication-Results: (x)) mx.example.org"));
    assert_true(is_dropped("Authentication-Results: (\\)) mx.example.org"));
    assert_true(is_dropped("Authentication-Results: (x\\"));
    assert_true(is_dropped("Authentication-Results: \"mx.example.org\"; x=\"a\\b\""));
    assert_false(is_dropped("Authentication-Results: \\mx.example.org"));
    assert_false(is_dropped("Authentication-Results: other.example.com; x=\"a\\b\""));
    assert_false(is_dropped("Authentication-Results: mx.example.orgs; spf=pass"));
    assert_false(is_dropped("Authentication-Results: mx.example.org-"));
    assert_false(is_dropped("Authentication-Results: mx.example.or"));
    assert_false(is_dropped("Authentication-Results: mx.example.org-a.net; spf=pass"));
    assert_false(is_dropped("Authentication-Results: other.example.org; spf=pass"));
    assert_false(is_dropped("Authentication-Results: mx.example.org.evil.net; spf=pass"));
    assert_false(is_dropped("Authentication-Results: mx.example; spf=pass"));
}

/* The message's last byte is the last that may be looked at: with SAN=1 one more is noticed. */
static void cut_anywhere(void **state)
{
    static const char whole[] = "Authentication-Results: (a\\) b) \"mx.example.org\\\" x\"; none";
    static const char plain[] = "Authentication-Results: mx.example.org.";
    (void)state;
    for (size_t i = 0; i < sizeof whole + sizeof plain; i++) {
        const char *text = i < sizeof whole ? whole : plain;
        const size_t len = i < sizeof whole ? i : i - sizeof whole;
        g_autofree char *raw = g_memdup2(text, len);
        struct message *m = message_new(raw, len);
        headers_drop_forged(m, &settings);
        message_free(&m);
    }
}

static void ours(void **state)
{
    struct bytes out = {0};
    struct verdict v = {.judged = true, .probability = 0.99871, .confidence = 0.75,
                        .class = JUDGE_SPAM, .signature = (char *)"abc"};
    (void)state;
    const struct settings own = {.header_prefix = (char *)"X-Filterd"};
    const struct limits_met met = {0};
    headers_ours(&out, &own, &v, &met, "yes");
    assert_string_equal((char *)out.data,
                        "X-Filterd-Result: Spam\r\nX-Filterd-Probability: 0.9987\r\n"
                        "X-Filterd-Confidence: 0.75\r\nX-Spam-Flag: YES\r\n"
                        "X-Filterd-Signature: abc\r\nX-Filterd-Encrypted: yes\r\n");
    bytes_clear(&out);
    v.class = JUDGE_UNSURE; /* is no spam */
    headers_ours(&out, &own, &v, &met, "no");
    assert_string_equal((char *)out.data,
                        "X-Filterd-Result: Unsure\r\nX-Filterd-Probability: 0.9987\r\n"
                        "X-Filterd-Confidence: 0.75\r\n"
                        "X-Filterd-Signature: abc\r\nX-Filterd-Encrypted: no\r\n");
    bytes_clear(&out);
    struct limits_met parts = {0};
    limits_note(&parts, LIMITS_PARTS);
    headers_ours(&out, &own, &(struct verdict){.class = JUDGE_SPAM}, &parts, "already"); /* not judged */
    assert_string_equal((char *)out.data, "X-Filterd-Limits: parts\r\nX-Filterd-Encrypted: already\r\n");
    bytes_free(&out);
}

static void of_dspam(void **state)
{
    struct verdict v = {.judged = true, .probability = 0.99871, .confidence = 0.98765,
                        .class = JUDGE_SPAM, .signature = (char *)"abc"};
    struct bytes out = {0};
    struct tm tm;
    (void)state;
    const struct limits_met met = {0};
    headers_ours(&out, &settings, &v, &met, "yes");
    char **lines = g_strsplit((char *)out.data, "\r\n", 0);
    assert_string_equal(lines[0], "X-DSPAM-Result: Spam");
    assert_true(g_str_has_prefix(lines[1], "X-DSPAM-Processed: "));
    const char *end = strptime(lines[1] + 19, "%a %b %d %H:%M:%S %Y", &tm);
    assert_true(end && !*end);
    assert_string_equal(lines[2], "X-DSPAM-Confidence: 0.9877");
    assert_string_equal(lines[3], "X-DSPAM-Probability: 0.9987");
    assert_string_equal(lines[4], "X-Spam-Flag: YES");
    assert_string_equal(lines[5], "X-DSPAM-Signature: abc");
    assert_string_equal(lines[6], "X-DSPAM-Encrypted: yes");
    assert_true(!*lines[7] && !lines[8]);
    g_strfreev(lines);
    bytes_clear(&out);
    v.class = JUDGE_UNSURE; /* a word dspam does not have */
    headers_ours(&out, &settings, &v, &met, "no");
    assert_true(g_str_has_prefix((char *)out.data, "X-DSPAM-Result: Innocent\r\n"));
    assert_null(strstr((char *)out.data, "X-Spam-Flag"));
    bytes_free(&out);
}

static void subject(void **state)
{
    const char *raw = "Subject: a\r\n b\r\nFrom: x\r\n\r\n";
    struct outside out = {0};
    struct message *m = message_new(raw, strlen(raw));
    (void)state;
    headers_tag_subject(&out, m, "[SPAM]");
    assert_string_equal((char *)out.added.data, "Subject: [SPAM] a\r\n b\r\n");
    assert_false(outside_has(&out, &m->headers[0]));
    assert_true(outside_has(&out, &m->headers[1]));
    assert_false(m->headers[0].dropped); /* the next copy has it */
    outside_clear(&out);
    message_free(&m);
}

/* The first that is still there; a message without gets one. */
static void which_subject(void **state)
{
    const char *raw = "Subject: gone\r\nFrom: x\r\nSubject: one\r\nSubject: two\r\n\r\n";
    struct outside out = {0};
    struct message *m = message_new(raw, strlen(raw));
    (void)state;
    m->headers[0].dropped = true;
    headers_tag_subject(&out, m, "[SPAM]");
    assert_string_equal((char *)out.added.data, "Subject: [SPAM] one\r\n");
    const bool wanted[] = {false, true, false, true};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        assert_int_equal(outside_has(&out, &m->headers[i]), wanted[i]);
    outside_clear(&out);
    for (size_t i = 0; i < m->header_count; i++)
        m->headers[i].dropped = i != 1;
    headers_tag_subject(&out, m, "[SPAM]");
    assert_string_equal((char *)out.added.data, "Subject: [SPAM]\r\n");
    assert_true(outside_has(&out, &m->headers[1]));
    assert_null(out.replaced);
    outside_clear(&out);
    message_free(&m);
    static const char cut[] = "Subject: one\0two\r\n three\r\n\r\n";
    m = message_new(cut, sizeof cut - 1);
    headers_tag_subject(&out, m, "[SPAM]");
    assert_string_equal((char *)out.added.data, "Subject: [SPAM] one\r\n");
    outside_clear(&out);
    message_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged),
        cmocka_unit_test(authentication_results),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(ours),
        cmocka_unit_test(of_dspam),
        cmocka_unit_test(subject),
        cmocka_unit_test(which_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
