/* Who gets which copy of a message, in which form, and what is answered: the whole way from received bytes to the
 * next hop, with keys, gpg, evidence, keeper and next hop played. */
#include <fcntl.h>

#include "base/config/settings.h"
#include "base/config/state.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "t/unit/pipeline_world.h"

#define GOOD "good@example.org"
#define KEYLESS "keyless@example.org"
#define BAD "bad@example.org"
#define LOST "lost@example.org"
#define NOBODY "nobody@example.org"
#define FOREIGN "who@elsewhere.example"
#define JUNK "goodjunk@example.org"
#define OTHER "goodother@example.org"

static int set_up(void **state)
{
    static const char *const users[] = {GOOD, KEYLESS, BAD, LOST};
    if (world_open(state))
        return -1;
    for (size_t i = 0; i < G_N_ELEMENTS(users); i++)
        user(users[i]);
    return 0;
}

#undef TEST
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, world_close)

/* ---- who gets what ---- */

static void each_gets_what_is_due(void **state)
{
    (void)state;
    run_to(MAIL, TO(GOOD, KEYLESS, BAD, LOST, NOBODY, FOREIGN));
    const enum outcome_reason want[] = {REASON_OK, REASON_OK, REASON_BAD_KEY_DEFER, REASON_UNFORESEEN, REASON_OK,
                                        REASON_OK};
    for (guint i = 0; i < G_N_ELEMENTS(want); i++)
        assert_outcome(i, want[i]);
    assert_int_equal(played_copies->len, 4);
    assert_string_equal(copy(0)->recipient, GOOD);
    assert_string_equal(copy(0)->users, GOOD);
    assert_sealed(copy(0), GOOD, JUDGED("yes") FIELDS, CONTENT);
    assert_string_equal(copy(1)->recipient, KEYLESS);
    assert_passed(copy(1), JUDGED("no") MAIL);
    assert_string_equal(copy(2)->recipient, NOBODY);
    assert_string_equal(copy(2)->users, NOBODY);
    assert_passed(copy(2), JUDGED("no") MAIL);
    assert_string_equal(copy(3)->recipient, FOREIGN);
    assert_passed(copy(3), MAIL);
    assert_int_equal(played_evidence.finished, 1);
    assert_int_equal(played_evidence.deadline, 0); /* nobody waits */
}

static void the_log_tells_why_one_is_in_the_clear(void **state)
{
    (void)state;
    set("exempt@example.org", "encrypt", "no");
    envelope->queue_id = g_strdup("Q1");
    envelope->client_addr = g_strdup("192.0.2.1");
    run_to(MAIL, TO(GOOD, KEYLESS, "exempt@example.org", FOREIGN, BAD));
    assert_holds(logged(), "Iqid=Q1 from=<sender@a.example> to=<" GOOD "> client=192.0.2.1 size=");
    assert_holds(logged(), "result=Innocent p=0.4013 score=-0.40 dns=played key=key-of-" GOOD
                           " sealed=yes delay_ms=0 dsn=2.0.0 reply=\"250 Ok\"");
    assert_holds(logged(), "result=Innocent p=0.4013 score=-0.40 dns=played key=- sealed=no unsealed=no_key delay");
    assert_holds(logged(), "key=- sealed=no unsealed=exempt delay");
    assert_holds(logged(), "result=- dns=played key=- sealed=no unsealed=foreign delay");
    assert_holds(logged(), "Wuser=<" BAD "> key=key-of-" BAD " cannot be used: it is played so\n");
    assert_holds(logged(), "result=- dns=- key=- sealed=- delay_ms=0 dsn=4.7.5 reply=\"450 ");
    assert_int_equal(logged_times("unsealed="), 3);
    assert_int_equal(logged_times("\n"), 6);
    assert_lacks(logged(), "hello");
}

static void policies_of_the_site(void **state)
{
    (void)state;
    settings.no_key = settings.unknown_recipient = POLICY_DEFER;
    run_to(MAIL, TO(KEYLESS, NOBODY, GOOD));
    assert_outcome(0, REASON_NO_KEY_DEFER);
    assert_outcome(1, REASON_UNKNOWN_DEFER);
    assert_outcome(2, REASON_OK);
    settings.no_key = settings.unknown_recipient = settings.bad_key = POLICY_REJECT;
    run_to(MAIL, TO(KEYLESS, NOBODY, BAD, FOREIGN));
    assert_outcome(0, REASON_NO_KEY_REJECT);
    assert_outcome(1, REASON_UNKNOWN_REJECT);
    assert_outcome(2, REASON_BAD_KEY_REJECT);
    assert_outcome(3, REASON_OK);
    assert_int_equal(played_copies->len, 1);
    assert_int_equal(played_count("record"), 0);
}

static void aliases(void **state)
{
    (void)state;
    alias("both@example.org", GOOD);
    alias("both@example.org", "good2@example.org");
    alias("mixed@example.org", GOOD);
    alias("mixed@example.org", KEYLESS);
    alias("clear@example.org", KEYLESS);
    alias("clear@example.org", "other@example.org");
    run_to(MAIL, TO("both@example.org", "mixed@example.org", "clear@example.org"));
    assert_outcome(0, REASON_OK);
    assert_outcome(1, REASON_BAD_KEY_DEFER);
    assert_outcome(2, REASON_OK);
    assert_sealed(copy(0), "good2@example.org " GOOD, JUDGED("yes") FIELDS, CONTENT);
    assert_string_equal(copy(0)->recipient, "both@example.org");
    assert_string_equal(copy(0)->users, "good2@example.org " GOOD);
    assert_passed(copy(1), JUDGED("no") MAIL);
    assert_string_equal(copy(1)->users, KEYLESS " other@example.org");
}

static void users_that_cannot_be_read(void **state)
{
    (void)state;
    spoil_users();
    run_to(MAIL, TO(KEYLESS, FOREIGN));
    assert_outcome(0, REASON_UNFORESEEN);
    assert_outcome(1, REASON_UNFORESEEN);
    assert_int_equal(played_copies->len, 0);
}

/* One body for all of a milter's recipients. */
static void one_copy_for_several_addresses(void **state)
{
    (void)state;
    user("good2@example.org");
    struct recipient *r = to(GOOD);
    r->others = g_strdupv((char *[]){(char *)"good2@example.org", NULL});
    r = to(GOOD);
    r->others = g_strdupv((char *[]){(char *)KEYLESS, NULL});
    run(MAIL);
    assert_outcome(0, REASON_OK);
    assert_outcome(1, REASON_MIXED);
    assert_int_equal(played_copies->len, 1);
    assert_sealed(copy(0), GOOD " good2@example.org", JUDGED("yes") FIELDS, CONTENT);
    assert_int_equal(logged_times("to=<good2@example.org>"), 1);
}

/* ---- what is asked of the keeper ---- */

static void recorded_before_and_confirmed_after(void **state)
{
    (void)state;
    run_to(MAIL, TO(GOOD));
    const char *signature = strstr(copy(0)->text, "X-Filterd-Signature: ") + strlen("X-Filterd-Signature: ");
    g_autofree char *confirm = g_strdup_printf("confirm {'user': <'" GOOD "'>, 'signature': <'%.24s'>}", signature);
    g_autofree char *record = g_strdup_printf("'signature': <'%.24s'>", signature);
    assert_int_equal(played_asked->len, 2);
    assert_holds(played_nth("record", 0), record);
    assert_holds(played_nth("record", 0), "'user': <'" GOOD "'>");
    assert_holds(played_nth("record", 0), "'class': <'ham'>");
    assert_string_equal(played_nth("confirm", 0), confirm);
}

static void what_was_not_taken_is_not_confirmed(void **state)
{
    (void)state;
    played_refuses = GOOD;
    played_hangs_up = KEYLESS;
    run_to(MAIL, TO(GOOD, KEYLESS, NOBODY));
    assert_int_equal(outcomes[0].code, 550);
    assert_string_equal(outcomes[0].dsn, "5.1.1");
    assert_outcome(1, REASON_NEXT_HOP_DOWN);
    assert_outcome(2, REASON_OK);
    assert_int_equal(played_copies->len, 1);
    assert_int_equal(played_count("record"), 3);
    assert_int_equal(played_count("confirm"), 1);
    assert_holds(played_nth("confirm", 0), NOBODY);
}

static void without_a_keeper_no_signature(void **state)
{
    (void)state;
    played_no_keeper = true;
    run_to(MAIL, TO(KEYLESS));
    assert_outcome(0, REASON_OK);
    assert_passed(copy(0), "X-Filterd-Result: Innocent\r\nX-Filterd-Probability: 0.4013\r\n"
                           "X-Filterd-Confidence: 0.20\r\n" UNJUDGED("no") MAIL);
}

static void sealing_that_fails_sends_nothing(void **state)
{
    (void)state;
    played_gpg_error = "out of luck";
    run_to(MAIL, TO(GOOD, KEYLESS));
    assert_outcome(0, REASON_UNFORESEEN);
    assert_outcome(1, REASON_OK);
    assert_int_equal(played_copies->len, 1);
    assert_int_equal(played_count("confirm"), 1);
    assert_holds(logged(), "Wsealing failed, tempfailed: out of luck\n");
    assert_holds(logged(), "sealed=- delay_ms=0 dsn=4.3.0");
}

/* ---- spam ---- */

static void with_action(enum spam_action action, bool client_waits, const char *const *addresses)
{
    settings.spam_action = action;
    received.client_waits = client_waits;
    weighs(6);
    run_to(MAIL, addresses);
}

#define SPAM "X-Filterd-Result: Spam\r\nX-Filterd-Probability: 0.9963\r\nX-Filterd-Confidence: 0.99\r\n" \
             "X-Spam-Flag: YES\r\nX-Filterd-Signature: SIGNATURE\r\n"

static void spam_is_tagged(void **state)
{
    (void)state;
    for (int waits = 0; waits < 2; waits++) {
        with_action(SPAM_TAG, waits, TO(GOOD, KEYLESS));
        assert_sealed(copy(0), GOOD, SPAM UNJUDGED("yes") FIELDS, CONTENT);
        assert_passed(copy(1), SPAM UNJUDGED("no") MAIL);
        assert_holds(played_nth("record", 0), "'class': <'spam'>");
        assert_holds(played_nth("record", 0), "'rules': <6.0>");
    }
}

static void spam_is_refused_while_the_client_waits(void **state)
{
    (void)state;
    with_action(SPAM_REJECT, false, TO(GOOD));
    assert_outcome(0, REASON_OK);
    assert_sealed(copy(0), GOOD, SPAM UNJUDGED("yes") FIELDS, CONTENT);
    with_action(SPAM_REJECT, true, TO(GOOD, KEYLESS, FOREIGN));
    assert_outcome(0, REASON_SPAM);
    assert_outcome(1, REASON_SPAM);
    assert_outcome(2, REASON_OK);
    assert_int_equal(played_copies->len, 1);
    assert_int_equal(played_asked->len, 0); /* nothing to learn of */
    assert_holds(logged(), "result=Spam p=0.9963 score=5.60 dns=played key=key-of-" GOOD " sealed=- ");
    settings.reject_threshold = 0.999;
    run_to(MAIL, TO(GOOD));
    assert_outcome(0, REASON_OK);
    assert_sealed(copy(0), GOOD, SPAM UNJUDGED("yes") FIELDS, CONTENT);
}

static void spam_is_discarded(void **state)
{
    (void)state;
    for (int waits = 0; waits < 2; waits++) {
        with_action(SPAM_DISCARD, waits, TO(GOOD, FOREIGN));
        assert_outcome(0, REASON_DISCARDED);
        assert_outcome(1, REASON_OK);
        assert_int_equal(played_copies->len, 1);
        assert_int_equal(played_count("confirm"), 0);
    }
    weighs(2); /* Unsure is no spam */
    run_to(MAIL, TO(GOOD));
    assert_outcome(0, REASON_OK);
    assert_holds(copy(0)->text, "X-Filterd-Result: Unsure\r\n");
    assert_holds(played_nth("record", 0), "'class': <'unsure'>");
}

static void spam_goes_to_a_quarantine_with_a_key(void **state)
{
    (void)state;
    settings.quarantine = (char *)JUNK;
    user(JUNK);
    with_action(SPAM_QUARANTINE, false, TO(GOOD, KEYLESS, BAD, FOREIGN));
    assert_outcome(0, REASON_OK);
    assert_outcome(2, REASON_BAD_KEY_DEFER);
    for (guint i = 0; i < 2; i++) {
        assert_string_equal(copy(i)->recipient, JUNK);
        assert_string_equal(copy(i)->users, JUNK);
        assert_sealed(copy(i), JUNK, SPAM UNJUDGED("yes") FIELDS, CONTENT);
    }
    assert_string_equal(copy(2)->recipient, FOREIGN);
    assert_int_equal(played_copies->len, 3);
    assert_holds(played_nth("record", 0), GOOD); /* who judged it, may have it back */
    assert_holds(played_nth("record", 1), KEYLESS);
    assert_int_equal(logged_times("key=key-of-" JUNK " sealed=yes"), 2);
    assert_int_equal(logged_times("has no key that can be used"), 0);
    weighs(2);
    run_to(MAIL, TO(GOOD));
    assert_string_equal(copy(0)->recipient, GOOD);
}

static void a_quarantine_without_a_key_takes_nothing_sealed(void **state)
{
    (void)state;
    settings.quarantine = (char *)"junk@example.org";
    user(settings.quarantine);
    with_action(SPAM_QUARANTINE, true, TO(GOOD, KEYLESS));
    assert_string_equal(copy(0)->recipient, GOOD);
    assert_sealed(copy(0), GOOD, SPAM UNJUDGED("yes") FIELDS, CONTENT);
    assert_string_equal(copy(1)->recipient, "junk@example.org");
    assert_passed(copy(1), SPAM UNJUDGED("no") MAIL);
    assert_int_equal(logged_times("Wquarantine <junk@example.org> has no key that can be used: spam goes to its "
                                  "recipient\n"), 1);
    settings.no_key = POLICY_DEFER;
    run_to(MAIL, TO(GOOD));
    assert_string_equal(copy(0)->recipient, GOOD);
    settings.quarantine = NULL; /* and without an address it is tagged */
    run_to(MAIL, TO(GOOD));
    assert_string_equal(copy(0)->recipient, GOOD);
    assert_int_equal(logged_times("Wquarantine"), 0);
}

static void what_a_user_wants(void **state)
{
    (void)state;
    set(GOOD, "spam_action", "discard");
    set(KEYLESS, "spam_threshold", "0.999");
    with_action(SPAM_TAG, false, TO(GOOD, KEYLESS));
    assert_outcome(0, REASON_DISCARDED);
    assert_int_equal(played_copies->len, 1);
    assert_holds(copy(0)->text, "X-Filterd-Result: Unsure\r\n");
}

/* ---- fields ---- */

static void a_tag_in_the_subject(void **state)
{
    (void)state;
    settings.subject_tag = (char *)"[SPAM]";
    with_action(SPAM_TAG, false, TO(GOOD, KEYLESS, FOREIGN));
    assert_sealed(copy(0), GOOD, SPAM UNJUDGED("yes") "Subject: [SPAM] hello\r\n"
                  "From: friend@a.example\r\nTo: x\r\nMessage-ID: <1@a.example>\r\n", CONTENT);
    assert_holds(copy(1)->text, "\r\nSubject: [SPAM] hello\r\n");
    assert_lacks(copy(1)->text, "\r\nSubject: hello\r\n");
    assert_passed(copy(2), MAIL);
    weighs(2);
    run_to(MAIL, TO(KEYLESS));
    assert_lacks(copy(0)->text, "[SPAM]");
    weighs(6);
    settings.subject_tag = NULL;
    run_to(MAIL, TO(KEYLESS));
    assert_holds(copy(0)->text, "\r\nSubject: hello\r\n");
}

static void as_dspam(void **state)
{
    (void)state;
    settings.header_prefix = (char *)"X-DSPAM";
    with_action(SPAM_TAG, false, TO(KEYLESS));
    assert_true(g_str_has_prefix(copy(0)->text, "X-DSPAM-Result: Spam\r\nX-DSPAM-Processed: "));
    assert_holds(copy(0)->text, "\r\nX-DSPAM-Signature: ");
    assert_holds(copy(0)->text, "\r\nX-DSPAM-Encrypted: no\r\n");
}

static void what_pretends_to_be_ours_goes(void **state)
{
    (void)state;
    run_to("X-Filterd-Result: Innocent\r\nX-Spam-Flag: NO\r\nAuthentication-Results: mx.example.org; spf=pass\r\n"
           "Authentication-Results: other.example; spf=pass\r\n" MAIL, TO(KEYLESS, GOOD));
    assert_passed(copy(0), JUDGED("no") "Authentication-Results: other.example; spf=pass\r\n" MAIL);
    assert_sealed(copy(1), GOOD, JUDGED("yes") "Authentication-Results: other.example; spf=pass\r\n" FIELDS,
                  CONTENT);
}

static void table(char **setting, const char *text)
{
    *setting = g_build_filename(folder, "table", NULL);
    assert_true(g_file_set_contents(*setting, text, -1, NULL));
    world_begin_anew();
}

static void anonymized(void **state)
{
    (void)state;
    table(&settings.anonymize_inbound, "/^To: x$/ REPLACE To: somebody\n/^Subject: / REPLACE X-Spam-Flag: NO\n"
                                        "/^X-Odd: / REPLACE Content-Language: x\n");
    run_to("X-Odd: x\r\n" MAIL, TO(KEYLESS));
    assert_passed(copy(0), JUDGED("no") "From: friend@a.example\r\nTo: somebody\r\nMessage-ID: <1@a.example>\r\n"
                           CONTENT);
    envelope->listener = &submission;
    run_to(MAIL, TO(KEYLESS));
    assert_passed(copy(0), UNJUDGED("no") MAIL);
    g_free(settings.anonymize_inbound);
}

static void a_table_that_cannot_be_read(void **state)
{
    (void)state;
    table(&settings.anonymize_inbound, "this is no table\n");
    run_to(MAIL, TO(GOOD, KEYLESS, FOREIGN));
    for (guint i = 0; i < 3; i++)
        assert_int_equal(outcomes[i].result, RES_TEMP);
    assert_int_equal(played_copies->len, 0);
    assert_holds(logged(), "Wthe [anonymize] table could not be read: tempfailed\n");
    g_free(settings.anonymize_inbound);
}

/* The fields that were not looked at do not pass as they are. */
static void a_table_that_takes_too_long(void **state)
{
    (void)state;
    table(&settings.anonymize_inbound, "/^X-Client: / IGNORE\n");
    played_tick = 2 * G_USEC_PER_SEC;
    run_to(FIELDS "X-Client: 192.0.2.7\r\n" CONTENT, TO(GOOD, KEYLESS, FOREIGN));
    played_tick = 0;
    for (guint i = 0; i < 3; i++)
        assert_int_equal(outcomes[i].result, RES_TEMP);
    assert_int_equal(played_copies->len, 0);
    assert_holds(logged(), "Wanonymize: out of time after 2 of 6 fields: tempfailed");
    g_free(settings.anonymize_inbound);
}

/* ---- what was lost ---- */

static void a_key_whose_folder_is_lost(void **state)
{
    char *error = NULL;
    (void)state;
    assert_true(users_key_note(book, KEYLESS, true, &error));
    run_to(MAIL, TO(KEYLESS, GOOD));
    assert_outcome(0, REASON_BAD_KEY_DEFER);
    assert_outcome(1, REASON_OK);
    assert_int_equal(played_copies->len, 1);
    assert_holds(logged(), "Wuser=<" KEYLESS "> key=- cannot be used: users.db notes a key");
    settings.bad_key = POLICY_REJECT;
    run_to(MAIL, TO(KEYLESS));
    assert_outcome(0, REASON_BAD_KEY_REJECT);
    set(KEYLESS, "encrypt", "no"); /* as they wish */
    run_to(MAIL, TO(KEYLESS));
    assert_outcome(0, REASON_OK);
    set(KEYLESS, "encrypt", NULL);
    assert_true(users_key_note(book, KEYLESS, false, &error));
    run_to(MAIL, TO(KEYLESS));
    assert_outcome(0, REASON_OK);
}

/* Another folder stands where the state was, as after an unmount: nobody gets anything, whoever they are. */
static void a_state_that_is_lost(void **state)
{
    struct state here = {.dir = g_build_filename(folder, "mounted", NULL)};
    g_autofree char *away = g_build_filename(folder, "away", NULL);
    (void)state;
    assert_int_equal(g_mkdir(here.dir, 0700), 0);
    here.fd = open(here.dir, O_PATH | O_DIRECTORY);
    context->state = &here;
    run_to(MAIL, TO(GOOD, KEYLESS));
    assert_outcome(0, REASON_OK);
    assert_outcome(1, REASON_OK);
    for (int there = 0; there < 2; there++) { /* nothing, then another */
        if (there)
            assert_int_equal(g_mkdir(here.dir, 0700), 0);
        else
            assert_int_equal(g_rename(here.dir, away), 0);
        run_to(MAIL, TO(GOOD, KEYLESS, NOBODY, FOREIGN));
        for (guint i = 0; i < 4; i++)
            assert_int_equal(outcomes[i].result, RES_TEMP);
        assert_int_equal(played_copies->len, 0);
        assert_int_equal(logged_times("the state is not there any more"), !there); /* said once */
    }
    assert_int_equal(g_rmdir(here.dir), 0);
    assert_int_equal(g_rename(away, here.dir), 0);
    run_to(MAIL, TO(GOOD));
    assert_outcome(0, REASON_OK);
    context->state = NULL;
    state_close(&here);
}

#define ENCRYPTED "From: friend@a.example\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n" \
                  "Content-Transfer-Encoding: base64\r\n\r\n" \
                  "MIIAwgYJKoZIhvcNAQcDoIIAszCCAK8CAQIxbDBqAgEAgBSePNp4F7VT8Y8uzGoIp0XjgR++XDAN\r\n" \
                  "BgkqhkiG9w0BAQEFAARAnjzaeBe1U/GPLsxqCKdF44Efvlz6mDbVcxGvTuyKKMZlA6E/3nwauFb1\r\n" \
                  "kzHPbQyqSOaFI8Ff/Zw62HYVs1HvjTA8BgkqhkiG9w0BBwEwHQYJYIZIAWUDBAEqBBCePNp4F7VT\r\n" \
                  "8Y8uzGoIp0XjgBCePNp4F7VT8Y8uzGoIp0Xj\r\n"

static void encrypted_already(void **state)
{
    (void)state;
    run_to(ENCRYPTED, TO(GOOD, KEYLESS, BAD, FOREIGN));
    assert_passed(copy(0), JUDGED("already") ENCRYPTED);
    assert_passed(copy(1), JUDGED("already") ENCRYPTED);
    assert_passed(copy(2), ENCRYPTED);
    assert_outcome(2, REASON_BAD_KEY_DEFER);
    assert_int_equal(logged_times("sealed=already delay"), 3);
    assert_int_equal(logged_times("unsealed="), 0);
}

/* The body of a sealed copy: what a sender who knows that key would send. */
static char *encrypted_for_good(void)
{
    run_to(MAIL, TO(GOOD));
    const char *block = strstr(copy(0)->text, "-----BEGIN PGP MESSAGE-----");
    const char *end = strstr(block, "-----END PGP MESSAGE-----\r\n") + strlen("-----END PGP MESSAGE-----\r\n");
    return g_strdup_printf("From: friend@a.example\r\n\r\n%.*s", (int)(end - block), block);
}

static void encrypted_for_others(void **state)
{
    (void)state;
    g_autofree char *raw = encrypted_for_good();
    user(OTHER);
    run_to(raw, TO(GOOD, OTHER, KEYLESS));
    for (guint i = 0; i < 3; i++) {
        g_autofree char *want = g_strconcat(JUDGED("already"), raw, NULL);
        assert_passed(copy(i), want);
    }
    assert_int_equal(logged_times("to=<" GOOD "> "), 1);
    assert_int_equal(logged_times(" key=key-of-" GOOD " sealed=already delay"), 1);
    assert_int_equal(logged_times(" key=other sealed=already delay"), 1);
    assert_int_equal(logged_times(" key=- sealed=already delay"), 1);
    settings.already = ALREADY_SEAL;
    run_to(raw, TO(GOOD, OTHER, KEYLESS));
    assert_int_equal(logged_times(" key=key-of-" GOOD " sealed=already delay"), 1);
    assert_int_equal(logged_times(" key=key-of-" OTHER " sealed=yes delay"), 1);
    assert_int_equal(logged_times(" key=- sealed=already delay"), 1);
    assert_sealed(copy(1), OTHER, JUDGED("yes") "From: friend@a.example\r\n", strstr(raw, "\r\n\r\n") + 2);
    settings.already = ALREADY_PASS;
}

/* Each of several addresses of one copy is compared for itself, and one that is not meant is enough to seal it. */
static void encrypted_for_one_of_two_addresses(void **state)
{
    (void)state;
    g_autofree char *raw = encrypted_for_good();
    user(OTHER);
    alias("both@example.org", GOOD);
    alias("both@example.org", OTHER);
    g_ptr_array_set_size(envelope->recipients, 0);
    struct recipient *r = to(GOOD);
    r->others = g_strdupv((char *[]){(char *)OTHER, (char *)"both@example.org", NULL});
    run(raw);
    assert_int_equal(logged_times(" key=key-of-" GOOD " sealed=already"), 1);
    assert_int_equal(logged_times(" key=other sealed=already"), 2);
    settings.already = ALREADY_SEAL;
    g_ptr_array_set_size(envelope->recipients, 0);
    r = to(GOOD);
    r->others = g_strdupv((char *[]){(char *)OTHER, NULL});
    run(raw);
    assert_sealed(copy(played_copies->len - 1), GOOD " " OTHER, JUDGED("yes") "From: friend@a.example\r\n", strstr(raw, "\r\n\r\n") + 2);
    settings.already = ALREADY_PASS;
}

/* Spam that is encrypted for its recipient is not for the quarantine. */
static void encrypted_spam_for_a_quarantine(void **state)
{
    (void)state;
    g_autofree char *raw = encrypted_for_good();
    user(OTHER);
    settings.quarantine = (char *)OTHER;
    settings.spam_action = SPAM_QUARANTINE;
    weighs(6);
    run_to(raw, TO(GOOD));
    assert_string_equal(copy(0)->recipient, OTHER);
    assert_int_equal(logged_times("to=<" GOOD "> "), 1);
    assert_int_equal(logged_times(" key=other sealed=already"), 1);
    settings.already = ALREADY_SEAL;
    run_to(raw, TO(GOOD));
    assert_int_equal(logged_times(" key=key-of-" OTHER " sealed=yes"), 1);
    settings.already = ALREADY_PASS;
    settings.quarantine = NULL;
}

static void submitted(void **state)
{
    (void)state;
    envelope->listener = &submission;
    settings.domains = no_list; /* then nothing submitted is ours but whom we know */
    with_action(SPAM_DISCARD, true, TO(GOOD, NOBODY));
    assert_sealed(copy(0), GOOD, UNJUDGED("yes") FIELDS, CONTENT);
    assert_passed(copy(1), MAIL);
    assert_int_equal(played_asked->len, 0);
    assert_int_equal(logged_times("result=- "), 2);
    assert_int_equal(logged_times("unsealed=foreign"), 1);
    envelope->listener = NULL; /* filterd-pipe */
    weighs(0);
    run_to(MAIL, TO(NOBODY));
    assert_passed(copy(0), JUDGED("no") MAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_gets_what_is_due), TEST(the_log_tells_why_one_is_in_the_clear), TEST(policies_of_the_site),
        TEST(aliases), TEST(users_that_cannot_be_read), TEST(one_copy_for_several_addresses),
        TEST(recorded_before_and_confirmed_after), TEST(what_was_not_taken_is_not_confirmed),
        TEST(without_a_keeper_no_signature), TEST(sealing_that_fails_sends_nothing), TEST(spam_is_tagged),
        TEST(spam_is_refused_while_the_client_waits), TEST(spam_is_discarded),
        TEST(spam_goes_to_a_quarantine_with_a_key), TEST(a_quarantine_without_a_key_takes_nothing_sealed),
        TEST(what_a_user_wants), TEST(a_tag_in_the_subject), TEST(as_dspam), TEST(what_pretends_to_be_ours_goes),
        TEST(anonymized), TEST(a_table_that_cannot_be_read), TEST(a_table_that_takes_too_long),
        TEST(a_key_whose_folder_is_lost), TEST(a_state_that_is_lost), TEST(encrypted_already), TEST(encrypted_for_others),
        TEST(encrypted_for_one_of_two_addresses), TEST(encrypted_spam_for_a_quarantine), TEST(submitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
