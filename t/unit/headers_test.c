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
    char *raw = g_strdup_printf("From: a@b\r\n%s\r\n\r\nbody\r\n", field);
    struct message *m = message_new(raw, strlen(raw));
    headers_drop_forged(m, &settings);
    assert_false(m->headers[0].dropped);
    bool dropped = m->header_count < 2 || m->headers[1].dropped;
    message_free(&m);
    g_free(raw);
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
    assert_false(is_dropped("Authentication-Results: mx.example.org-a.net; spf=pass"));
    assert_false(is_dropped("Authentication-Results: other.example.org; spf=pass"));
    assert_false(is_dropped("Authentication-Results: mx.example.org.evil.net; spf=pass"));
    assert_false(is_dropped("Authentication-Results: mx.example; spf=pass"));
}

static void ours(void **state)
{
    struct bytes out = {0};
    struct verdict v = {.judged = true, .probability = 0.99871, .confidence = 0.75,
                        .class = JUDGE_SPAM, .signature = (char *)"abc"};
    (void)state;
    const struct settings own = {.header_prefix = (char *)"X-Filterd"};
    headers_ours(&out, &own, &v, "yes");
    assert_string_equal((char *)out.data,
                        "X-Filterd-Result: Spam\r\nX-Filterd-Probability: 0.9987\r\n"
                        "X-Filterd-Confidence: 0.75\r\nX-Spam-Flag: YES\r\n"
                        "X-Filterd-Signature: abc\r\nX-Filterd-Encrypted: yes\r\n");
    bytes_free(&out);
}

static void of_dspam(void **state)
{
    struct verdict v = {.judged = true, .probability = 0.99871, .confidence = 0.98765,
                        .class = JUDGE_SPAM, .signature = (char *)"abc"};
    struct bytes out = {0};
    struct tm tm;
    (void)state;
    headers_ours(&out, &settings, &v, "yes");
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
    headers_ours(&out, &settings, &v, "no");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged),
        cmocka_unit_test(authentication_results),
        cmocka_unit_test(ours),
        cmocka_unit_test(of_dspam),
        cmocka_unit_test(subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
