/* What was delivered before: which copies a retry does not deliver again, and what the keeper is told of that. */
#include "base/result.h"
#include "t/unit/transaction_people.h"

static void what_went_through_does_not_go_again(void **state)
{
    (void)state;
    attempt_at("4711");
    played_refuses = GOOD;
    run_to(MAIL, TO(GOOD, KEYLESS, FOREIGN));
    assert_int_equal(played_count("retry-known"), 1);
    assert_int_equal(played_count("retry-served"), 2);
    assert_int_equal(copies_kept(), 2);
    played_refuses = NULL;
    try_again();
    run_to(MAIL, TO(GOOD, KEYLESS, FOREIGN));
    assert_outcome(0, REASON_OK);
    assert_outcome(1, REASON_SERVED_BEFORE);
    assert_outcome(2, REASON_SERVED_BEFORE);
    assert_int_equal(played_copies->len, 1);
    assert_string_equal(copy(0)->recipient, GOOD);
    assert_int_equal(played_count("retry-served"), 1); /* of the others it is known */
    assert_int_equal(copies_kept(), 3);
    assert_int_equal(logged_times("served=before"), 2);
    delivered_attempt_free(&received.attempt);
}

/* How many copies go out if the attempt before has failed. */
static guint copies_of_retry(const char *raw, const char *address)
{
    try_again();
    run_to(raw, TO(address));
    return played_copies->len;
}

/* Another sender, recipient, message or listener is another copy; and who is not asked, or has neither a date nor
 * a queue file, gets it. */
static void which_copies_are_the_same(void **state)
{
    (void)state;
    attempt_at("4711");
    run_to(MAIL, TO(KEYLESS));
    assert_int_equal(copies_of_retry(MAIL, KEYLESS), 0);
    assert_int_equal(copies_of_retry(MAIL "more\r\n", KEYLESS), 1);
    assert_int_equal(copies_of_retry(MAIL, "nobody@example.org"), 1);
    envelope->listener = NULL;
    assert_int_equal(copies_of_retry(MAIL, KEYLESS), 1);
    envelope->listener = &inbound;
    g_clear_pointer(&envelope->sender, g_free);
    assert_int_equal(copies_of_retry(MAIL, KEYLESS), 1);
    envelope->sender = g_strdup("");
    assert_int_equal(copies_of_retry(MAIL, KEYLESS), 0); /* which is the same */
    run_to("Subject: x\r\n\r\n", TO(KEYLESS));
    assert_int_equal(copies_of_retry("Subject: x\r\n\r\n", KEYLESS), 0);
    delivered_attempt_free(&received.attempt);
    run_to(MAIL, TO(KEYLESS));
    assert_int_equal(played_copies->len, 1);
    assert_int_equal(played_count("retry"), 0);
}

/* Without a queue file only the client's network is known. */
static void before_the_queue_a_date_is_needed(void **state)
{
    (void)state;
    attempt_at(NULL);
    envelope->listener = &submission;
    envelope->client_addr = g_strdup("192.0.2.1");
    run_to("Subject: x\r\n\r\n", TO(KEYLESS));
    assert_int_equal(copies_of_retry("Subject: x\r\n\r\n", KEYLESS), 1);
    assert_int_equal(played_count("retry"), 0);
    assert_int_equal(copies_of_retry(MAIL, KEYLESS), 1);
    assert_int_equal(copies_of_retry(MAIL, KEYLESS), 0);
    delivered_attempt_free(&received.attempt);
}

static void who_cannot_be_matched_is_not_remembered(void **state)
{
    (void)state;
    attempt_at(NULL);
    run_to(MAIL, TO(KEYLESS));
    assert_int_equal(copies_of_retry(MAIL, KEYLESS), 1);
    assert_int_equal(played_count("retry"), 0);
    assert_int_equal(copies_kept(), 0);
    delivered_attempt_free(&received.attempt);
}

/* The keeper hears once how it ended, and nothing if no copy was delivered. */
static void how_an_attempt_ends(void **state)
{
    (void)state;
    attempt_at("4711");
    run_to(MAIL, TO(KEYLESS));
    delivered_attempt_done(received.attempt, context->keeper);
    delivered_attempt_failed(received.attempt, context->keeper);
    assert_int_equal(played_count("retry-forget"), 1);
    assert_int_equal(played_count("retry-failed"), 0);
    attempt_at("4711");
    run_to(MAIL, TO(KEYLESS));
    assert_int_equal(played_copies->len, 1);
    delivered_attempt_failed(received.attempt, context->keeper);
    delivered_attempt_done(received.attempt, context->keeper);
    assert_int_equal(played_count("retry-failed"), 1);
    assert_int_equal(played_count("retry-forget"), 0);
    attempt_at("4712");
    played_refuses = KEYLESS;
    run_to(MAIL "more\r\n", TO(KEYLESS));
    delivered_attempt_failed(received.attempt, context->keeper);
    assert_int_equal(played_count("retry-failed"), 0);
    delivered_attempt_free(&received.attempt);
}

/* The keeper is killed before it has read that an attempt is done: the next one hears it first. */
static void what_is_done_is_said_again(void **state)
{
    (void)state;
    attempt_at("4711");
    run_to(MAIL, TO(KEYLESS));
    delivered_attempt_done(received.attempt, context->keeper);
    assert_int_equal(played_count("retry-forget"), 1);
    played_lose_answers();
    attempt_at("4712");
    run_to(MAIL, TO(KEYLESS));
    assert_true(g_str_has_prefix(played_asked->pdata[0], "retry-forget"));
    assert_int_equal(played_count("retry-forget"), 1);
    delivered_attempt_done(received.attempt, context->keeper);
    attempt_at("4713");
    run_to(MAIL, TO(KEYLESS)); /* it has answered */
    assert_int_equal(played_count("retry-forget"), 0);
    delivered_attempt_free(&received.attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_went_through_does_not_go_again), TEST(which_copies_are_the_same),
        TEST(before_the_queue_a_date_is_needed), TEST(who_cannot_be_matched_is_not_remembered),
        TEST(how_an_attempt_ends), TEST(what_is_done_is_said_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
