/* A message that another leg of filterd has judged, on its way through the pipeline: what its proof is worth. */
#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/result.h"
#include "filterd/keeper/delivered.h"
#include "gpg/key_state.h"
#include "t/unit/transaction_people.h"

static void named_in_the_queue(const char *id)
{
    g_free(envelope->queue_id);
    envelope->queue_id = g_strdup(id);
}

/* The text of the one copy that an MTA gets for them, with a trace field on top as it comes back; g_free. */
static char *by_another_leg(const char *raw, const char *to)
{
    played_mta = true;
    run_to(raw, TO(to));
    played_mta = false;
    assert_int_equal(played_copies->len, 1);
    assert_true(g_str_has_prefix(copy(0)->text, "X-Filterd-Proof: 2 "));
    played_evidence.finished = 0;
    named_in_the_queue("Q0");
    return g_strconcat("Received: by mta\r\n", copy(0)->text, NULL);
}

/* What follows the proof. */
static const char *below_proof(const char *text)
{
    const char *p = strstr(text, "X-Filterd-Proof: ");
    assert_non_null(p);
    do
        p = strstr(p, "\r\n") + 2;
    while (*p == '\t');
    return p;
}

static void sealed_in_front_it_passes_as_it_is(void **state)
{
    (void)state;
    g_autofree char *raw = by_another_leg(MAIL, GOOD);
    weighs(6); /* that nobody asks for */
    settings.spam_action = SPAM_DISCARD;
    run_to(raw, TO(GOOD));
    assert_outcome(0, REASON_OK);
    const char *ours = below_proof(raw);
    const size_t lines = (size_t)(strstr(ours, "From: friend") - ours);
    g_autofree char *want = g_strdup_printf("%.*sReceived: by mta\r\n%s", (int)lines, ours, ours + lines);
    assert_string_equal(copy(0)->text, want);
    assert_string_equal(copy(0)->users, GOOD);
    assert_int_equal(played_evidence.finished, 0);
    assert_int_equal(played_asked->len, 2); /* whether the proof is spent, and that it is now */
    assert_int_equal(played_count("proof-"), 2);
    assert_holds(logged(), "result=kept dns=- key=key-of-" GOOD " sealed=already delay_ms=0 dsn=2.0.0");
}

static void judged_in_front_it_is_sealed_behind(void **state)
{
    (void)state;
    g_autofree char *raw = by_another_leg(MAIL, KEYLESS);
    run_to(raw, TO(KEYLESS));
    assert_holds(copy(0)->text, "\r\nX-Filterd-Encrypted: no\r\n");
    assert_holds(logged(), "result=kept dns=- key=- sealed=no unsealed=no_key delay");
    played_keys[0] = (struct played_key){KEYLESS, KEY_GOOD}; /* a key came meanwhile */
    run_to(raw, TO(KEYLESS));
    assert_sealed(copy(0), KEYLESS, JUDGED("yes") "Received: by mta\r\n" FIELDS, CONTENT);
    played_mta = true; /* and goes to a third leg */
    run_to(raw, TO(KEYLESS));
    assert_true(g_str_has_prefix(copy(0)->text, "X-Filterd-Proof: 2 "));
    assert_int_equal(played_evidence.finished, 0);
    played_keys[0].state = KEY_BAD;
    run_to(raw, TO(KEYLESS));
    assert_outcome(0, REASON_BAD_KEY_DEFER);
    assert_int_equal(played_copies->len, 0);
}

static void a_proof_that_does_not_hold_is_judged_anew(void **state)
{
    (void)state;
    g_autofree char *raw = by_another_leg(MAIL, KEYLESS);
    memcpy(strstr(raw, "words"), "swords", 5);
    run_to(raw, TO(KEYLESS));
    assert_int_equal(played_evidence.finished, 1);
    assert_int_equal(played_count("record"), 1);
    assert_int_equal(logged_times("Iqid=Q0 to=<" KEYLESS "> judged anew, X-Filterd-Proof does not hold: its body was "
                                  "changed\n"), 1);
    assert_int_equal(played_count("proof-known") + played_count("proof-spent"), 0);
    assert_passed(copy(0), JUDGED("no") "Received: by mta\r\n"
                           "From: friend@a.example\r\nTo: x\r\nSubject: hello\r\nMessage-ID: <1@a.example>\r\n"
                           "Content-Type: text/plain\r\n\r\nsword of a letter\r\n");
    run_to(MAIL, TO(KEYLESS)); /* none is no news */
    assert_int_equal(logged_times("X-Filterd-Proof"), 0);
}

static void a_proof_for_one_of_two(void **state)
{
    (void)state;
    g_autofree char *raw = by_another_leg(MAIL, KEYLESS);
    run_to(raw, TO(GOOD, KEYLESS));
    assert_int_equal(played_evidence.finished, 1); /* for the other one */
    assert_int_equal(played_count("record"), 1);
    assert_holds(played_nth("record", 0), GOOD);
    assert_holds(logged(), "to=<" KEYLESS "> client=- size=");
    assert_int_equal(logged_times("result=kept"), 1);
    run_to(raw, TO(KEYLESS, GOOD));
    assert_int_equal(played_evidence.finished, 2);
    assert_holds(played_nth("record", 0), GOOD);
}

/* Proved as one of ours, and here nobody's, as the settings have changed since: it goes its way all the same. */
static void proved_and_foreign(void **state)
{
    (void)state;
    settings.domains = no_list;
    g_autofree char *raw = by_another_leg(MAIL, FOREIGN);
    settings.domains = world_domains;
    run_to(raw, TO(FOREIGN));
    assert_outcome(0, REASON_OK);
    assert_passed(copy(0), "Received: by mta\r\n" MAIL);
    run_to(raw, TO(FOREIGN, GOOD));
    assert_outcome(0, REASON_OK);
    assert_passed(copy(0), "Received: by mta\r\n" MAIL);
}

static void who_gets_a_proof(void **state)
{
    (void)state;
    run_to(MAIL, TO(GOOD));
    assert_lacks(copy(0)->text, "Proof");
    played_mta = true;
    run_to(MAIL, TO(FOREIGN));
    assert_lacks(copy(0)->text, "Proof");
    for (int i = 0; i < 22; i++) {
        g_autofree char *member = g_strdup_printf("m%d@example.org", i);
        alias("many@example.org", member);
    }
    run_to(MAIL, TO("many@example.org"));
    assert_true(g_str_has_prefix(copy(0)->text, "X-Filterd-Proof: 2 "));
    envelope->listener = &submission; /* nothing was judged, all the same it was sealed */
    run_to(MAIL, TO(GOOD));
    assert_true(g_str_has_prefix(copy(0)->text, "X-Filterd-Proof: 2 "));
}

/* ---- a proof is used once ---- */

static void a_spent_proof_is_judged_anew(void **state)
{
    (void)state;
    g_autofree char *raw = by_another_leg(MAIL, KEYLESS);
    named_in_the_queue("Q1");
    run_to(raw, TO(KEYLESS));
    assert_int_equal(logged_times("result=kept"), 1);
    run_to(raw, TO(KEYLESS)); /* the same message: our reply was lost */
    assert_int_equal(logged_times("result=kept"), 1);
    named_in_the_queue("Q2");
    run_to(raw, TO(KEYLESS));
    assert_int_equal(logged_times("result=kept"), 0);
    assert_int_equal(logged_times("qid=Q2 to=<" KEYLESS "> judged anew, X-Filterd-Proof does not hold: a copy with it was "
                                  "delivered before\n"), 1);
    assert_int_equal(played_count("record"), 1);
    named_in_the_queue(NULL);
    run_to(raw, TO(KEYLESS));
    assert_int_equal(logged_times("result=kept"), 0);
    played_no_keeper = true; /* who knows nothing believes it */
    world_begin_anew();
    run_to(raw, TO(KEYLESS));
    assert_int_equal(logged_times("result=kept"), 1);
}

/* Of two recipients one has used it up. */
static void spent_for_one_of_two(void **state)
{
    (void)state;
    alias("both@example.org", "m1@example.org");
    alias("both@example.org", "m2@example.org");
    g_autofree char *raw = by_another_leg(MAIL, "both@example.org");
    named_in_the_queue("Q1");
    run_to(raw, TO("m1@example.org"));
    named_in_the_queue("Q2");
    run_to(raw, TO("m1@example.org", "m2@example.org"));
    assert_int_equal(logged_times("result=kept"), 1);
    assert_holds(logged(), "qid=Q2 to=<m1@example.org> judged anew");
    assert_int_equal(played_evidence.finished, 1);
}

static void a_copy_not_taken_spends_nothing(void **state)
{
    (void)state;
    g_autofree char *raw = by_another_leg(MAIL, KEYLESS);
    named_in_the_queue("Q1");
    played_refuses = KEYLESS;
    run_to(raw, TO(KEYLESS));
    assert_int_equal(outcomes[0].code, 550);
    assert_int_equal(played_count("proof-spent"), 0);
    played_refuses = NULL;
    named_in_the_queue("Q2");
    run_to(raw, TO(KEYLESS));
    assert_int_equal(logged_times("result=kept"), 1);
}

/* Where a client waits, any stranger's, a proof is a forged field like others; but not if the client is trusted. */
static void nobody_is_believed_in_front(void **state)
{
    static char *networks[] = {(char *)"192.0.2.0/24", NULL};
    static const struct {
        const char *client;
        bool waits;
        guint kept;
    } cases[] = {{NULL, true, 0}, {"198.51.100.1", true, 0}, {"192.0.2.1", true, 1}, {"198.51.100.1", false, 1}};
    (void)state;
    settings.trusted_networks = networks;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *raw = by_another_leg(MAIL, KEYLESS);
        received.client_waits = cases[i].waits;
        envelope->client_addr = g_strdup(cases[i].client);
        run_to(raw, TO(KEYLESS));
        assert_int_equal(logged_times("result=kept"), cases[i].kept);
        assert_int_equal(logged_times("X-Filterd-Proof"), 0);
        assert_lacks(copy(0)->text, "Proof");
        received.client_waits = false;
        g_clear_pointer(&envelope->client_addr, g_free);
    }
}

/* What Postfix may do to From, by whom the mail is from. */
static void whose_from_is_bound(void **state)
{
    static const char *const sources[] = {NULL, "REMOTE", "LOCAL"};
    (void)state;
    for (int submitted = 0; submitted < 2; submitted++)
        for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
            envelope->client_source = g_strdup(sources[i]);
            envelope->listener = submitted ? &submission : &inbound;
            g_autofree char *raw = by_another_leg(MAIL, KEYLESS);
            envelope->listener = &inbound;
            memcpy(strstr(raw, "From: friend@"), "From: public@", 13);
            run_to(raw, TO(KEYLESS));
            assert_int_equal(logged_times("result=kept"), submitted || i == 2);
            assert_int_equal(logged_times("its From was changed"), !submitted && i != 2);
            g_clear_pointer(&envelope->client_source, g_free);
        }
}

/* A header at its limits, to which Postfix and we add: the ciphertext is recognised behind. */
static void a_full_header(void **state)
{
    GString *mail = g_string_new(FIELDS);
    (void)state;
    for (size_t i = 4; i < limits_default.header_count - 1; i++)
        g_string_append(mail, "X-Many: a\r\n");
    g_string_append(mail, CONTENT);
    weighs(6);
    g_autofree char *raw = by_another_leg(mail->str, GOOD);
    run_to(raw, TO(GOOD));
    assert_int_equal(logged_times("result=kept"), 1);
    assert_int_equal(logged_times("sealed=already"), 1);
    g_string_free(mail, TRUE);
}

static void not_taken_behind(void **state)
{
    (void)state;
    g_autofree char *raw = by_another_leg(MAIL, KEYLESS);
    attempt_at("4711");
    played_refuses = KEYLESS;
    run_to(raw, TO(KEYLESS));
    assert_int_equal(outcomes[0].code, 550);
    assert_int_equal(played_count("retry-served"), 0);
    assert_int_equal(copies_kept(), 0);
    played_refuses = NULL;
    run_to(raw, TO(KEYLESS));
    assert_int_equal(played_count("retry-served"), 1);
    assert_int_equal(copies_kept(), 1);
    attempt_at("4711"); /* the same file: the proof is not used up for it */
    played_keys[0] = (struct played_key){KEYLESS, KEY_GOOD};
    played_gpg_error = "out of luck";
    run_to(raw, TO(KEYLESS));
    assert_outcome(0, REASON_UNFORESEEN);
    assert_holds(logged(), "result=kept dns=- key=key-of-" KEYLESS " sealed=- delay");
    assert_int_equal(copies_kept(), 0);
    delivered_attempt_free(&received.attempt);
}

/* What another leg judged nobody is asked about, where that is believed. */
static void not_behind_another_leg(void **state)
{
    static char *networks[] = {(char *)"192.0.2.0/24", NULL};
    (void)state;
    g_autofree char *raw = by_another_leg(MAIL, KEYLESS);
    settings.greylist = received.client_waits = true;
    settings.trusted_networks = networks;
    played_waits = "*";
    weighs(1);
    envelope->client_addr = g_strdup("192.0.2.1");
    run_to(raw, TO(KEYLESS));
    assert_outcome(0, REASON_OK);
    assert_int_equal(played_count("greylist"), 0);
    assert_int_equal(logged_times("result=kept"), 1);
    g_free(envelope->client_addr);
    envelope->client_addr = g_strdup("198.51.100.1");
    run_to(raw, TO(KEYLESS));
    assert_outcome(0, REASON_GREYLISTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sealed_in_front_it_passes_as_it_is), TEST(judged_in_front_it_is_sealed_behind),
        TEST(a_proof_that_does_not_hold_is_judged_anew), TEST(a_proof_for_one_of_two),
        TEST(proved_and_foreign), TEST(who_gets_a_proof), TEST(a_spent_proof_is_judged_anew),
        TEST(spent_for_one_of_two), TEST(a_copy_not_taken_spends_nothing), TEST(nobody_is_believed_in_front),
        TEST(whose_from_is_bound), TEST(a_full_header), TEST(not_taken_behind), TEST(not_behind_another_leg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
