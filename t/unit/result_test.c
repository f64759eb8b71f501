/* Every unknown value of a result is a tempfail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sysexits.h>

#include "base/bytes.h"
#include "base/result.h"

static void table(void **state)
{
    (void)state;
    for (int r = -1; r <= REASON_COUNT + 1; r++) {
        struct outcome o = outcome_of((enum outcome_reason)r);
        assert_int_equal(o.dsn[0] - '0', o.code / 100);
        assert_true((o.result == RES_TEMP) == (o.code / 100 == 4));
        assert_true((o.result == RES_REJECT) == (o.code / 100 == 5));
    }
    for (int r = 0; r < REASON_COUNT; r++) {
        struct outcome o = outcome_of((enum outcome_reason)r);
        assert_true(outcome_is(&o, (enum outcome_reason)r));
        assert_true(outcome_is(&o, REASON_NEXT_HOP_DOWN) == (r == REASON_NEXT_HOP_DOWN));
    }
    struct outcome zero = {0};
    assert_int_equal(zero.result, RES_TEMP);
    assert_int_equal(outcome_of(REASON_UNFORESEEN).code, 451);
    assert_int_equal(outcome_of((enum outcome_reason)99).code, 451);
}

static void replies(void **state)
{
    (void)state;
    assert_int_equal(outcome_from_reply(250, "2.1.5 Ok").result, RES_OK);
    assert_string_equal(outcome_from_reply(250, "2.1.5 Ok").dsn, "2.1.5");
    assert_string_equal(outcome_from_reply(250, "2.1.5 Ok").text, "Ok");
    assert_string_equal(outcome_from_reply(550, "no such user").dsn, "5.0.0");
    assert_string_equal(outcome_from_reply(550, "4.2.2 odd").dsn, "5.0.0");
    assert_int_equal(outcome_from_reply(550, "x").result, RES_REJECT);
    assert_int_equal(outcome_from_reply(452, "x").result, RES_TEMP);
    assert_int_equal(outcome_from_reply(354, "x").result, RES_TEMP);
    /* of the next hop with what we said, which our client did not say */
    assert_int_equal(outcome_from_reply(501, "5.5.4 Invalid TO").code, 554);
    assert_int_equal(outcome_from_reply(501, "5.5.4 Invalid TO").result, RES_REJECT);
    assert_string_equal(outcome_from_reply(501, "5.5.4 Invalid TO").dsn, "5.5.4");
    assert_int_equal(outcome_from_reply(500, "x").code, 554);
    assert_int_equal(outcome_from_reply(509, "x").code, 554);
    assert_int_equal(outcome_from_reply(555, "x").code, 554);
    assert_int_equal(outcome_from_reply(510, "x").code, 510);
    assert_int_equal(outcome_from_reply(553, "x").code, 553);
    assert_int_equal(outcome_from_reply(0, "x").code, 451);
    assert_int_equal(outcome_from_reply(999, "x").code, 451);
    assert_string_equal(outcome_from_reply(250, "a\rb").text, "a?b");
}

static void exit_codes(void **state)
{
    (void)state;
    struct outcome ok = outcome_of(REASON_OK), gone = outcome_of(REASON_NEXT_HOP_DOWN),
                   no = outcome_of(REASON_TOO_BIG), odd = {.result = (enum result)77};
    assert_int_equal(outcome_exit_code(&ok), EX_OK);
    assert_int_equal(outcome_exit_code(&gone), EX_TEMPFAIL);
    assert_int_equal(outcome_exit_code(&no), EX_UNAVAILABLE);
    assert_int_equal(outcome_exit_code(&odd), EX_TEMPFAIL);
}

static void bytes(void **state)
{
    struct bytes b = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        bytes_addf(&b, "%03d,", i);
    assert_int_equal(b.len, 4000);
    assert_memory_equal(b.data + 3996, "999,", 5);
    bytes_clear(&b);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.data[100], 0); /* wiped, not just forgotten */
    bytes_free(&b);
    assert_null(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(replies),
                                       cmocka_unit_test(exit_codes), cmocka_unit_test(bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
