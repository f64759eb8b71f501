/* The model store: deliveries, moves and their undo, settling, training, and who learns what. */
#include "base/config/settings.h"
#include "base/store.h"
#include "classifier/classifier.h"
#include "classifier/daykey.h"
#include "classifier/explain.h"
#include "classifier/learner.h"
#include "classifier/model.h"
#include "classifier/tokens.h"
#include "filterd/keeper/model_store.h"
#include "filterd/keeper/record.h"
#define WORLD_CLAIMS "a@x.example", "b@x.example", "box@x.example", "c@x.example"
#include "t/unit/model_store_world.h"

#include <sys/stat.h>


static void test_five_moves(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        g_autofree char *ham = g_strdup_printf("meeting notes of week %d agenda and lunch at noon", i);
        train("a@x.example", "ham", ham);
    }
    for (int i = 0; i < 5; i++) {
        char *text = spam_text(i), *signature = g_strdup_printf("sig%d", i);
        deliver("a@x.example", signature, text);
        assert_int_equal(retrain("a@x.example", "spam", signature), EX_OK);
        g_free(text);
        g_free(signature);
    }
    char *text = spam_text(99);
    struct judgement j = judge("a@x.example", text),
                     ham = judge("a@x.example", "meeting notes of week 7 agenda and lunch at noon");
    assert_int_equal(j.class, JUDGE_SPAM);
    assert_int_equal(ham.class, JUDGE_INNOCENT);
    for (int i = 0; i < 5; i++) {
        char *signature = g_strdup_printf("sig%d", i);
        assert_int_equal(retrain("A@X.example", "innocent", signature), EX_OK);
        g_free(signature);
    }
    assert_true(score("a@x.example", text) < j.score - 2);
    assert_true(score("b@x.example", text) == LEARNER_PRIOR); /* nobody else learns from it */
    judgement_clear(&j);
    judgement_clear(&ham);
    g_free(text);
}

/* One kind after the other, as people train folders: neither may drown the other. */
static void test_training_in_bulk(void **state)
{
    (void)state;
    const char *const classes[] = {"spam", "ham"}, *const words[] = {"pills", "agenda"};
    const char *const common = "dear reader this is what we all have written to you about %s %d";
    for (int i = 0; i < 60; i++) {
        g_autofree char *text = g_strdup_printf(common, words[i / 30], i);
        train("a@x.example", classes[i / 30], text);
    }
    g_autofree char *spam = g_strdup_printf(common, "pills", 99), *ham = g_strdup_printf(common, "agenda", 99);
    assert_true(score("a@x.example", spam) > 0);
    assert_true(score("a@x.example", ham) < -1);
}

static void test_retrain_is_idempotent_and_undoes(void **state)
{
    (void)state;
    deliver("a@x.example", "s1", "one two three");
    assert_int_equal(retrain("a@x.example", "spam", "s1"), EX_OK);
    const double once = score("a@x.example", "one two three");
    assert_int_equal(ask("user-set", VALUES({"user", "a@x.example"}, {"name", "mode"},
                                            {"value", "toe"}), NULL),
                     EX_OK);
    assert_int_equal(retrain("a+box@x.example", "spam", "s1"), EX_OK);
    assert_true(score("a@x.example", "one two three") == once);
    assert_int_equal(retrain("a@x.example", "ham", "s1"), EX_OK);
    assert_true(score("a@x.example", "one two three") == LEARNER_PRIOR);
    assert_int_equal(retrain("a@x.example", "ham", "s1"), EX_OK);
    assert_true(score("a@x.example", "one two three") == LEARNER_PRIOR);
    assert_int_equal(retrain("a@x.example", "spam", "s1"), EX_OK);
    assert_true(score("a@x.example", "one two three") == once);
}

static const char *opposite(const char *class)
{
    return strcmp(class, "spam") == 0 ? "ham" : "spam";
}

/* Delivers a message and moves it to the given class; returns the class it was delivered as. */
static const char *deliver_and_move(const char *signature, const char *text)
{
    struct judgement j = judge("a@x.example", text);
    const char *delivered = j.class == JUDGE_SPAM ? "spam" : "ham";
    deliver("a@x.example", signature, text);
    assert_int_equal(retrain("a@x.example", opposite(delivered), signature), EX_OK);
    judgement_clear(&j);
    return delivered;
}

/* Also when another message was learnt in between. */
static void test_a_move_back_restores_exactly(void **state)
{
    (void)state;
    const char *const probe = "one two three four buy";
    for (int i = 0; i < 5; i++) {
        train("a@x.example", "ham", "three four five and lunch");
        train("a@x.example", "spam", "buy one get two");
    }
    const double before = score("a@x.example", probe);
    const char *first = deliver_and_move("s1", "news of three and four");
    const double moved = score("a@x.example", probe);
    assert_true(moved != before);
    const char *second = deliver_and_move("s2", "quite another letter, two of four");
    assert_int_equal(retrain("a@x.example", second, "s2"), EX_OK);
    assert_true(score("a@x.example", probe) == moved);
    assert_int_equal(retrain("a@x.example", opposite(second), "s2"), EX_OK);
    assert_int_equal(retrain("a@x.example", first, "s1"), EX_OK);
    assert_true(score("a@x.example", probe) != before);
    assert_int_equal(retrain("a@x.example", second, "s2"), EX_OK);
    assert_true(score("a@x.example", probe) == before);
}

static int learn(const char *user, const char *class, const char *signature, const char *text)
{
    struct judgement j = judge(user, text);
    const int code = ask("learn", VALUES({"user", user}, {"class", class}, {"signature", signature}),
                         j.features);
    judgement_clear(&j);
    return code;
}

static void test_learning_from_text(void **state)
{
    (void)state;
    assert_int_equal(learn("a@x.example", "spam", "t1", "one two three"), EX_OK);
    const double once = score("a@x.example", "one two three");
    assert_true(once > 0);
    assert_int_equal(learn("a@x.example", "spam", "t1", "one two three"), EX_OK);
    assert_true(score("a@x.example", "one two three") == once);
    assert_int_equal(learn("a@x.example", "innocent", "t1", "one two three"), EX_OK);
    assert_true(score("a@x.example", "one two three") == LEARNER_PRIOR);
    assert_int_equal(learn("a@x.example", "spam", "t1", "one two three"), EX_OK);
    assert_true(score("a@x.example", "one two three") == once);
    assert_true(score("b@x.example", "one two three") == LEARNER_PRIOR);
    assert_int_equal(ask("learn", VALUES({"user", "a@x.example"}, {"class", "spam"},
                                         {"signature", "t2"}), NULL),
                     EX_DATAERR);
    assert_int_equal(learn("a@x.example", "junk", "t2", "one"), EX_DATAERR);
    assert_int_equal(learn("a@x.example", "spam", "../t2", "one"), EX_DATAERR);
    settings.mode = MODE_NONE;
    assert_int_equal(learn("a@x.example", "spam", "t2", "other words"), EX_UNAVAILABLE);
    assert_true(score("a@x.example", "one two three") == once);
}

static void test_foreign_and_unknown_signatures_change_nothing(void **state)
{
    (void)state;
    deliver("a@x.example", "s1", "one two three");
    assert_int_equal(retrain("b@x.example", "spam", "s1"), EX_DATAERR);
    assert_int_equal(retrain("a@x.example", "spam", "s2"), EX_DATAERR);
    assert_int_equal(retrain("a@x.example", "junk", "s1"), EX_DATAERR);
    assert_int_equal(retrain("a@x.example", "spam", "../s1"), EX_DATAERR);
    assert_int_equal(ask("record", VALUES({"user", "a@x.example"}), NULL), EX_DATAERR);
    assert_int_equal(ask("nonsense", VALUES({"user", "a@x.example"}), NULL), EX_UNAVAILABLE);
    assert_true(score("a@x.example", "one two three") == LEARNER_PRIOR);
    assert_true(score("b@x.example", "one two three") == LEARNER_PRIOR);
}

static void test_a_stolen_record_opens_for_no_other(void **state)
{
    (void)state;
    struct record *r = record_new();
    GArray *features = g_array_new(FALSE, TRUE, sizeof(guint32));
    char *error = NULL;
    g_array_set_size(features, 100);
    r->signature = g_strdup("s1");
    r->day = daykey_day(0);
    assert_true(record_seal(r, settings.site_key, "a@x.example", features, &error));
    GArray *open = record_features(r, settings.site_key, "a@x.example");
    assert_non_null(open);
    assert_int_equal(open->len, 100);
    assert_null(record_features(r, settings.site_key, "b@x.example"));
    r->sealed->data[20] ^= 1;
    assert_null(record_features(r, settings.site_key, "a@x.example"));
    g_array_unref(open);
    g_array_unref(features);
    record_free(&r);
}

static void test_aliases_and_settings(void **state)
{
    (void)state;
    assert_int_equal(ask("alias-add", VALUES({"address", "info@x.example"}, {"user", "a@x.example"}),
                         NULL),
                     EX_OK);
    deliver("a@x.example", "s1", "one two three");
    assert_int_equal(retrain("info@x.example", "spam", "s1"), EX_OK);
    assert_true(score("a@x.example", "one two three") > 0);
    assert_int_equal(ask("user-set", VALUES({"user", "a@x.example"}, {"name", "mode"},
                                            {"value", "none"}), NULL),
                     EX_OK);
    assert_int_equal(retrain("a@x.example", "ham", "s1"), EX_UNAVAILABLE);
    assert_int_equal(ask("user-remove", VALUES({"user", "a@x.example"}), NULL), EX_OK);
    assert_true(score("a@x.example", "one two three") == LEARNER_PRIOR);
    /* Its setting is gone as well, and it may come again. */
    deliver("a@x.example", "s1", "one two three");
    assert_int_equal(retrain("a@x.example", "spam", "s1"), EX_OK);
}

static void test_teft_learns_at_delivery(void **state)
{
    (void)state;
    settings.mode = MODE_TEFT;
    deliver("a@x.example", "s1", "one two three");
    assert_true(score("a@x.example", "one two three") < LEARNER_PRIOR);
    assert_int_equal(retrain("a@x.example", "spam", "s1"), EX_OK);
    deliver("b@x.example", "s2", "other words"); /* learnt as ham; the move must undo that */
    model_store_free(&model_store);
    open_ledger();
    assert_int_equal(retrain("b@x.example", "spam", "s2"), EX_OK);
    settings.mode = MODE_TOE;
    deliver("c@x.example", "s3", "other words");
    assert_int_equal(retrain("c@x.example", "spam", "s3"), EX_OK);
    assert_true(score("b@x.example", "other words") == score("c@x.example", "other words"));
}

static void test_settling(void **state)
{
    (void)state;
    settings.mode = MODE_SETTLE;
    deliver("a@x.example", "s1", "newsletter of the week");
    age("a@x.example", 4);
    model_store_tick(model_store);
    assert_true(score("a@x.example", "newsletter") == LEARNER_PRIOR);
    model_store_free(&model_store);
    folder_empty(settings.state_dir);
    make_site_key();
    open_ledger();
    claim("a@x.example");
    deliver("a@x.example", "s1", "newsletter of the week");
    age("a@x.example", 6);
    model_store_tick(model_store); /* this user never moved anything */
    assert_true(score("a@x.example", "newsletter of the week") == LEARNER_PRIOR);
    deliver("a@x.example", "s2", "cheap pills");
    assert_int_equal(retrain("a@x.example", "spam", "s2"), EX_OK);
    const double before = score("a@x.example", "newsletter of the week");
    model_store_free(&model_store);
    open_ledger();
    model_store_tick(model_store);
    assert_true(score("a@x.example", "newsletter of the week") < before);
}

static void test_forgetting(void **state)
{
    (void)state;
    deliver("a@x.example", "s1", "one two three");
    age("a@x.example", 22);
    g_autofree char *gone = daykey_day(22);
    g_autofree char *file = g_strdup_printf("%s.d/%s", settings.site_key, gone);
    assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
    model_store_tick(model_store);
    assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
    assert_int_equal(retrain("a@x.example", "spam", "s1"), EX_DATAERR);
    claim("a@x.example"); /* the empty store has gone */
    deliver("a@x.example", "s2", "one two three");
    age("a@x.example", 20);
    model_store_tick(model_store);
    assert_int_equal(retrain("a@x.example", "spam", "s2"), EX_OK);
}

static bool silent(const char *user)
{
    char *error = NULL;
    struct model *m = model_open(settings.state_dir, user, false, &error);
    assert_non_null(m);
    struct model_figures f;
    assert_true(model_figures(m, &f));
    model_free(&m);
    return model_is_silent(&f);
}

/* The last correction is remembered longer than the rest of the journal. */
static void test_silence(void **state)
{
    (void)state;
    const struct {
        int days;
        bool silent;
    } cases[] = {{29, false}, {30, false}, {31, true}, {100, true}};
    deliver("a@x.example", "s0", "one two three");
    model_store_write(model_store);
    assert_true(silent("a@x.example"));
    assert_int_equal(retrain("a@x.example", "spam", "s0"), EX_OK);
    assert_false(silent("a@x.example"));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *path = g_strdup_printf("%s/users/a@x.example.db", settings.state_dir), *error = NULL;
        g_autofree char *day = daykey_day(cases[i].days);
        sqlite3 *db;
        model_store_free(&model_store);
        assert_true(store_open(path, true, NULL, &db, &error));
        assert_true(store_run(db, "UPDATE journal SET day = ?", (const char *const[]){day}, 1));
        sqlite3_close(db);
        open_ledger();
        train("a@x.example", "ham", "a checkpoint");
        model_store_tick(model_store);
        assert_int_equal(silent("a@x.example"), cases[i].silent);
        struct model *m = model_open(settings.state_dir, "a@x.example", false, &error);
        struct model_figures f;
        assert_true(model_figures(m, &f));
        assert_string_equal(f.last_move, day);
        model_free(&m);
        g_free(path);
    }
}

static void test_one_writer(void **state)
{
    (void)state;
    g_autofree char *error = NULL;
    assert_null(model_store_open(&settings, &key, 0, &error));
    assert_non_null(strstr(error, "in use"));
}

/* A worker keeps the model: it must see what the model store has learnt since. */
static void test_a_cached_model_follows(void **state)
{
    (void)state;
    struct classifier *c = classifier_new(&settings, &key);
    struct tokens *t = tokens_of("one two three");
    struct judgement j;
    train("a@x.example", "ham", "one two three");
    assert_true(classifier_judge(c, "a@x.example", t, &j));
    const double first = j.score;
    judgement_clear(&j);
    deliver("a@x.example", "s1", "one two three");
    assert_int_equal(retrain("a@x.example", "spam", "s1"), EX_OK);
    assert_true(classifier_judge(c, "a@x.example", t, &j));
    assert_true(j.score > first);
    judgement_clear(&j);
    GPtrArray *reasons = explain_message(c, "a@x.example", t, 3);
    assert_int_equal(reasons->len, 3);
    assert_true(((struct reason *)g_ptr_array_index(reasons, 0))->weight > 0);
    g_ptr_array_unref(reasons);
    assert_int_equal(ask("user-remove", VALUES({"user", "a@x.example"}), NULL), EX_OK);
    assert_true(classifier_judge(c, "a@x.example", t, &j));
    assert_true(j.score == LEARNER_PRIOR);
    judgement_clear(&j);
    tokens_free(&t);
    classifier_free(&c);
}

static void test_an_unreadable_model_is_unsure(void **state)
{
    (void)state;
    g_autofree char *path = g_strdup_printf("%s/users/a@x.example.db", settings.state_dir);
    assert_true(g_file_set_contents(path, "this is no database, and long enough to be looked at",
                                    -1, NULL));
    struct classifier *c = classifier_new(&settings, &key);
    struct tokens *t = tokens_of("one two three");
    struct judgement j;
    assert_false(classifier_judge(c, "a@x.example", t, &j));
    assert_int_equal(j.class, JUDGE_UNSURE);
    assert_true(j.score == 0 && j.features->len > 0);
    judgement_clear(&j);
    tokens_free(&t);
    classifier_free(&c);
}

/* One user's file that a kill left half-written, and that cannot be rolled back. */
static void test_a_ruined_file_harms_its_owner_alone(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "-journal"};
    train("b@x.example", "ham", "one two three");
    model_store_free(&model_store);
    for (int i = 0; i < 2; i++) {
        g_autofree char *path = g_strdup_printf("%s/users/a@x.example.db%s", settings.state_dir, ends[i]);
        assert_true(g_file_set_contents(path, "this is no database, and long enough to be one", -1, NULL));
    }
    open_ledger();
    train("b@x.example", "spam", "four five six");
    struct classifier *c = classifier_new(&settings, &key);
    struct tokens *t = tokens_of("four five six");
    struct judgement j;
    assert_true(classifier_judge(c, "b@x.example", t, &j) && j.score > LEARNER_PRIOR);
    judgement_clear(&j);
    tokens_free(&t);
    classifier_free(&c);
}

static void test_signatures(void **state)
{
    (void)state;
    g_autofree char *a = classifier_signature_new(), *b = classifier_signature_new();
    assert_int_equal(strlen(a), 24);
    assert_string_not_equal(a, b);
    for (char *p = a; *p; p++)
        assert_true(g_ascii_isalnum(*p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_five_moves),
        TEST(test_training_in_bulk),
        TEST(test_retrain_is_idempotent_and_undoes),
        TEST(test_a_move_back_restores_exactly),
        TEST(test_learning_from_text),
        TEST(test_foreign_and_unknown_signatures_change_nothing),
        TEST(test_a_stolen_record_opens_for_no_other),
        TEST(test_aliases_and_settings),
        TEST(test_teft_learns_at_delivery),
        TEST(test_settling),
        TEST(test_forgetting),
        TEST(test_silence),
        TEST(test_one_writer),
        TEST(test_a_cached_model_follows),
        TEST(test_an_unreadable_model_is_unsure),
        TEST(test_a_ruined_file_harms_its_owner_alone),
        cmocka_unit_test(test_signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
