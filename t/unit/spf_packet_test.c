/* The packets between a worker and the SPF process: a question is read whole or not at all, and an answer that a
 * process in trouble sent is made harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "rules/auth/spf_packet.h"
#include "rules/auth/spf_result.h"

static void questions(void **state)
{
    (void)state;
    GString *text = g_string_new(NULL);
    struct spf_question q = {"192.0.2.1", "", "a@b"}, read;
    guint32 n = 0;
    assert_true(spf_packet_write(text, 7, &q));
    assert_true(spf_packet_read(text->str, text->len, &n, &read));
    assert_int_equal(n, 7);
    assert_string_equal(read.address, q.address);
    assert_string_equal(read.helo, "");
    assert_string_equal(read.sender, q.sender);
    for (size_t len = 0; len < text->len; len++)
        assert_false(spf_packet_read(text->str, len, &n, &read));
    g_string_append_c(text, 'x');
    assert_false(spf_packet_read(text->str, text->len, &n, &read));
    g_string_free(text, TRUE);
}

static void answers(void **state)
{
    (void)state;
    struct spf_packet_answer a;
    memset(&a, 0xff, sizeof a);
    assert_false(spf_packet_tidy(&a, sizeof a - 1));
    a.signal = 0;
    assert_true(spf_packet_tidy(&a, sizeof a));
    assert_int_equal(a.result.code, SPF_CODE_TEMPERROR);
    assert_int_equal(strlen(a.result.domain), sizeof a.result.domain - 1);
    assert_int_equal(strspn(a.result.reason, "?"), sizeof a.result.reason - 1);
    a = (struct spf_packet_answer){.signal = 11, .result = {.code = SPF_CODE_PASS, .reason = "x"}};
    assert_true(spf_packet_tidy(&a, sizeof a));
    assert_int_equal(a.result.code, SPF_CODE_TEMPERROR);
    assert_string_equal(a.result.reason, "the check died (signal 11)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(questions), cmocka_unit_test(answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
