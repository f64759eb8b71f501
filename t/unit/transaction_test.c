/* What a message is on its way through the pipeline besides its copies: delivered in part before,
 * greylisted, late, refused for all, or left by who asked. */
#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/result.h"
#include "gpg/key_state.h"
#include "rules/auth/spf_result.h"
#include "t/unit/transaction_people.h"

/* ---- one reply for all ---- */

static void a_bad_key_is_found_before_anybody_has_a_copy(void **state)
{
    (void)state;
    received.client_waits = true;
    attempt_at("4711");
    run_to(MAIL, TO(GOOD, BAD, KEYLESS));
    assert_outcome(0, REASON_BAD_KEY_DEFER); /* for that they have to wait */
    assert_outcome(1, REASON_BAD_KEY_DEFER);
    assert_outcome(2, REASON_BAD_KEY_DEFER);
    assert_int_equal(played_copies->len, 0);
    assert_int_equal(logged_times("dsn=4.7.5"), 3);
    settings.bad_key = POLICY_REJECT;
    run_to(MAIL, TO(GOOD, BAD));
    assert_outcome(0, REASON_PARTIAL);
    assert_outcome(1, REASON_BAD_KEY_REJECT);
    assert_int_equal(played_copies->len, 0);
    assert_int_equal(logged_times("to=<"), 2);
    received.client_waits = false;
    run_to(MAIL, TO(GOOD, BAD));
    assert_outcome(0, REASON_OK);
    assert_int_equal(played_copies->len, 1);
    received.client_waits = true; /* GOOD has it by now */
    try_again();
    run_to(MAIL, TO(GOOD, BAD, KEYLESS));
    assert_outcome(0, REASON_SERVED_BEFORE);
    assert_outcome(1, REASON_BAD_KEY_REJECT);
    assert_outcome(2, REASON_PARTIAL);
    assert_int_equal(played_copies->len, 0);
    assert_int_equal(copies_kept(), 1);
    delivered_attempt_free(&received.attempt);
}

/* Whose copy went through before its key went bad does not hold the others up. */
static void a_bad_key_behind_its_copy(void **state)
{
    (void)state;
    attempt_at("4711");
    run_to(MAIL, TO(GOOD));
    played_keys[0] = (struct played_key){GOOD, KEY_BAD};
    for (int waits = 0; waits < 2; waits++) {
        received.client_waits = waits;
        try_again();
        run_to(MAIL, TO(GOOD, KEYLESS));
        assert_outcome(0, REASON_SERVED_BEFORE);
        assert_outcome(1, waits ? REASON_SERVED_BEFORE : REASON_OK);
    }
    delivered_attempt_free(&received.attempt);
}

/* ---- who hears it, and for how long ---- */

static guint settled_last;
static GString *settled_codes;
static guint leaves_after;

static bool on_settled(guint index, const struct outcome *o, void *arg)
{
    assert_ptr_equal(arg, &settled_last);
    settled_last = index;
    g_string_append_printf(settled_codes, "%u:%d ", index, o->code);
    return index < leaves_after;
}

static void who_hears_each_reply_may_leave(void **state)
{
    (void)state;
    received.settled = on_settled;
    received.arg = &settled_last;
    settled_codes = g_string_new(NULL);
    leaves_after = 9;
    run_to(MAIL, TO(GOOD, BAD, KEYLESS));
    assert_string_equal(settled_codes->str, "0:250 1:450 2:250 ");
    g_string_truncate(settled_codes, 0);
    leaves_after = 1;
    run_to(MAIL, TO(GOOD, BAD, KEYLESS));
    assert_string_equal(settled_codes->str, "0:250 1:450 ");
    assert_int_equal(played_copies->len, 1);
    assert_int_equal(outcomes[2].result, RES_TEMP);
    g_string_free(settled_codes, TRUE);
}

static void no_copy_is_begun_late(void **state)
{
    (void)state;
    received.deadline = PLAYED_NOW + 1;
    run_to(MAIL, TO(GOOD));
    assert_outcome(0, REASON_OK);
    assert_int_equal(played_gpg_deadline, PLAYED_NOW + 1);
    for (int late = 0; late < 2; late++) {
        received.deadline = PLAYED_NOW - late;
        run_to(MAIL, TO(GOOD, KEYLESS, BAD));
        assert_outcome(0, REASON_UNFORESEEN);
        assert_outcome(1, REASON_UNFORESEEN);
        assert_outcome(2, REASON_BAD_KEY_DEFER);
        assert_int_equal(played_copies->len, 0);
        assert_int_equal(played_count("record"), 0);
    }
    received.deadline = 0;
    run_to(MAIL, TO(GOOD));
    assert_outcome(0, REASON_OK);
    assert_int_equal(played_gpg_deadline, 0);
}

static void evidence_has_half_of_the_time(void **state)
{
    (void)state;
    received.client_waits = received.bare = true;
    received.deadline = PLAYED_NOW + 1000;
    run_to(MAIL, TO(GOOD));
    assert_int_equal(played_evidence.deadline, PLAYED_NOW + 500);
    assert_true(played_evidence.bare);
    received.deadline = PLAYED_NOW - 1000;
    run_to(MAIL, TO(GOOD));
    assert_int_equal(played_evidence.deadline, PLAYED_NOW);
    played_evidence.deadline = 0;
    received.deadline = 0;
    run_to(MAIL, TO(GOOD));
    assert_int_equal(played_evidence.deadline, 0);
    received.client_waits = received.bare = false; /* all the time there is */
    received.deadline = PLAYED_NOW + 1000;
    run_to(MAIL, TO(GOOD));
    assert_int_equal(played_evidence.deadline, 0);
    assert_false(played_evidence.bare);
}

static void what_hangs_ends_by_itself(void **state)
{
    (void)state;
    for (int waits = 0; waits < 2; waits++) {
        received.client_waits = waits;
        played_alarm_count = 0;
        run_to(MAIL, TO(GOOD, KEYLESS));
        assert_int_equal(played_alarm_count, 2);
        assert_int_equal(played_alarms[0], waits ? 89 : 400); /* Postfix waits 100 s, or 600 */
        assert_int_equal(played_alarms[1], 0);
    }
}

/* For the message and for each copy: twice the limit, and more for each whole megabyte. */
static void processor_time(void **state)
{
    static char big[(3 << 20) + (1 << 19)];
    (void)state;
    run_to(MAIL, TO(GOOD, KEYLESS));
    assert_int_equal(played_cpu_count, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(played_cpu[i], 2 * limits_default.cpu_seconds);
    memset(big, 'x', sizeof big - 1);
    memcpy(big, MAIL, strlen(MAIL));
    played_cpu_count = 0;
    run_to(big, TO(GOOD));
    assert_int_equal(played_cpu[0], 2 * limits_default.cpu_seconds + 3 * 5);
}

/* ---- limits ---- */

static void limits_of_one_message_are_not_the_next_ones(void **state)
{
    struct limits few = limits_default;
    (void)state;
    few.header_count = 2;
    limits_set(&few);
    run_to(MAIL, TO(KEYLESS));
    assert_holds(copy(0)->text, "\r\nX-Filterd-Limits: header-count\r\n");
    limits_set(&limits_default);
    run_to(MAIL, TO(KEYLESS));
    assert_lacks(copy(0)->text, "X-Filterd-Limits");
}

/* ---- greylisting ---- */

static char *trusted[] = {(char *)"192.0.2.0/24", NULL};

static void come_from(const char *address)
{
    g_free(envelope->client_addr);
    envelope->client_addr = g_strdup(address);
    settings.greylist = true;
    settings.trusted_networks = trusted;
    received.client_waits = true;
    played_waits = "*";
    weighs(1);
}

static void who_is_doubtful_comes_again(void **state)
{
    (void)state;
    come_from("198.51.100.1");
    run_to(MAIL, TO(GOOD, KEYLESS, FOREIGN));
    for (guint i = 0; i < 3; i++)
        assert_outcome(i, REASON_GREYLISTED);
    assert_int_equal(played_copies->len, 0);
    assert_int_equal(played_count("greylist"), 3);
    assert_holds(played_nth("greylist", 0), "'address': <'198.51.100.1'>");
    assert_holds(played_nth("greylist", 0), "'sender': <'sender@a.example'>");
    assert_holds(played_nth("greylist", 1), "'recipient': <'" KEYLESS "'>");
    assert_lacks(played_nth("greylist", 0), "'domain'");
    assert_int_equal(played_asked->len, 3);
    assert_int_equal(logged_times("result=Unsure p=0.6457 score=0.60 dns=played key=- sealed=- "), 3);
    played_waits = KEYLESS; /* one is new */
    run_to(MAIL, TO(GOOD, KEYLESS, FOREIGN));
    assert_outcome(2, REASON_GREYLISTED);
    assert_int_equal(played_count("greylist"), 3);
    played_waits = NULL;
    run_to(MAIL, TO(GOOD, KEYLESS, FOREIGN));
    for (guint i = 0; i < 3; i++)
        assert_outcome(i, REASON_OK);
    assert_int_equal(played_count("greylist"), 3);
}

static void for_each_address_of_a_copy(void **state)
{
    (void)state;
    come_from("198.51.100.1");
    played_waits = "second@example.org";
    to(KEYLESS)->others = g_strdupv((char *[]){(char *)"first@example.org", (char *)"second@example.org", NULL});
    run(MAIL);
    assert_outcome(0, REASON_GREYLISTED);
    assert_int_equal(played_count("greylist"), 3);
    assert_holds(played_nth("greylist", 2), "'recipient': <'second@example.org'>");
}

static void the_domain_that_is_proved(void **state)
{
    (void)state;
    come_from("198.51.100.1");
    played_evidence.from_domain = "a.example";
    run_to(MAIL, TO(KEYLESS));
    assert_holds(played_nth("greylist", 0), "'domain': <'a.example'>");
    played_evidence.spf = (struct spf_result){.code = SPF_CODE_PASS, .domain = "b.example"};
    run_to(MAIL, TO(KEYLESS));
    assert_holds(played_nth("greylist", 0), "'domain': <'b.example'>");
    played_evidence.spf.code = SPF_CODE_SOFTFAIL;
    run_to(MAIL, TO(KEYLESS));
    assert_holds(played_nth("greylist", 0), "'domain': <'a.example'>");
}

static void assert_asks_nobody(const char *raw, const char *const *addresses)
{
    run_to(raw, addresses);
    assert_int_equal(played_count("greylist"), 0);
    assert_outcome(0, REASON_OK);
}

static void who_is_not_asked(void **state)
{
    (void)state;
    come_from("192.0.2.1");
    assert_asks_nobody(MAIL, TO(KEYLESS)); /* our own */
    come_from(NULL);
    assert_asks_nobody(MAIL, TO(KEYLESS));
    come_from("198.51.100.1");
    received.client_waits = false;
    assert_asks_nobody(MAIL, TO(KEYLESS));
    come_from("198.51.100.1");
    settings.greylist = false;
    assert_asks_nobody(MAIL, TO(KEYLESS));
    come_from("198.51.100.1");
    weighs(0);
    assert_asks_nobody(MAIL, TO(KEYLESS));
    come_from("198.51.100.1");
    assert_asks_nobody(MAIL, TO(FOREIGN));
    envelope->listener = &submission;
    assert_asks_nobody(MAIL, TO(KEYLESS));
    envelope->listener = &inbound;
    settings.deny = (char *[]){(char *)"a.example", NULL}; /* what a list says is no doubt */
    assert_asks_nobody(MAIL, TO(KEYLESS));
    assert_holds(copy(0)->text, "X-Filterd-Result: Blocklisted\r\n");
}

/* By the score alone, from where Unsure begins, and by the first who is judged. */
static void what_is_a_doubt(void **state)
{
    (void)state;
    come_from("198.51.100.1");
    weighs(0);
    settings.unsure_threshold = 0.3;
    run_to(MAIL, TO(FOREIGN, KEYLESS));
    assert_outcome(0, REASON_GREYLISTED);
    assert_outcome(1, REASON_GREYLISTED);
    settings.unsure_threshold = 0.45;
    assert_asks_nobody(MAIL, TO(KEYLESS));
    played_evidence.spf.code = SPF_CODE_FAIL;
    run_to(MAIL, TO(KEYLESS));
    assert_outcome(0, REASON_GREYLISTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bad_key_is_found_before_anybody_has_a_copy),
        TEST(a_bad_key_behind_its_copy), TEST(who_hears_each_reply_may_leave), TEST(no_copy_is_begun_late),
        TEST(evidence_has_half_of_the_time), TEST(what_hangs_ends_by_itself), TEST(processor_time),
        TEST(limits_of_one_message_are_not_the_next_ones), TEST(who_is_doubtful_comes_again),
        TEST(for_each_address_of_a_copy), TEST(the_domain_that_is_proved), TEST(who_is_not_asked),
        TEST(what_is_a_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
