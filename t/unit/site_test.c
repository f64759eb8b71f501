/* The site's base: a new user starts from it, a user's own moves weigh more, and it learns from users with
 * share=yes, as long as they share. */
#include "classifier/classifier.h"
#include "classifier/learner.h"
#include "classifier/model.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/model_store.h"
#include "t/unit/model_store_world.h"

#include <math.h>


#define PROBE "pills for you"

static void share(const char *user, const char *value)
{
    assert_int_equal(ask("user-set", VALUES({"user", user}, {"name", "share"}, {"value", value}),
                         NULL),
                     EX_OK);
}

static void move(const char *user, const char *signature, const char *class, const char *text)
{
    deliver(user, signature, text);
    assert_int_equal(retrain(user, class, signature), EX_OK);
}

/* Delivers the message and moves it to the other class; returns the class it was delivered as. */
static const char *move_away(const char *user, const char *signature, const char *text)
{
    struct judgement j = judge(user, text);
    const bool spam = j.class == JUDGE_SPAM;
    judgement_clear(&j);
    move(user, signature, spam ? "ham" : "spam", text);
    return spam ? "spam" : "ham";
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void teach_base(void)
{
    for (int i = 0; i < 10; i++) {
        train(MODEL_SITE, "spam", "cheap pills for you today");
        train(MODEL_SITE, "ham", "minutes of the meeting");
    }
}

static void test_a_new_user_starts_from_the_base(void **state)
{
    (void)state;
    assert_true(score("new@x.example", PROBE) == LEARNER_PRIOR);
    teach_base();
    const double base = score(MODEL_SITE, PROBE) - LEARNER_PRIOR;
    assert_true(base > 0.5);
    assert_true(score("new@x.example", "cheap pills for you today") > 1);
    assert_true(near(score("new@x.example", PROBE), score("other@y.example", PROBE)));
    assert_true(score("new@x.example", "minutes of the meeting") < LEARNER_PRIOR);
}

static void test_the_users_own_word_wins(void **state)
{
    (void)state;
    teach_base();
    assert_true(score("a@x.example", "cheap pills for you today") > 0);
    move("a@x.example", "s1", "ham", "cheap pills for you today");
    assert_true(score("a@x.example", "cheap pills for you today") < 0);
    assert_true(score("b@x.example", "cheap pills for you today") > 0);
}

/* The base counts half of what the same move teaches the user. */
static void test_who_shares_teaches_others(void **state)
{
    (void)state;
    const double before = score("b@x.example", PROBE);
    move("alone@x.example", "s1", "spam", PROBE);
    const double own = score("alone@x.example", PROBE) - before;
    share("a@x.example", "yes");
    move("a@x.example", "s1", "spam", PROBE);
    const double other = score("b@x.example", PROBE);
    assert_true(near(other - before, own / 2));
    assert_true(score("a@x.example", PROBE) > other);
    assert_int_equal(retrain("a@x.example", "ham", "s1"), EX_OK);
    assert_true(score("b@x.example", PROBE) == before);
    assert_true(score(MODEL_SITE, PROBE) == before);
    /* In a base that knows something already as well, and after another has taught it. */
    teach_base();
    share("c@x.example", "yes");
    const double taught = score("b@x.example", PROBE);
    const char *first = move_away("a@x.example", "s2", PROBE);
    assert_true(score("b@x.example", PROBE) != taught);
    const char *second = move_away("c@x.example", "s3", "quite other words, pills or no pills");
    assert_int_equal(retrain("a@x.example", first, "s2"), EX_OK);
    assert_int_equal(retrain("c@x.example", second, "s3"), EX_OK);
    assert_true(near(score("b@x.example", PROBE), taught));
}

static void test_who_does_not_share_teaches_nobody(void **state)
{
    (void)state;
    share("a@x.example", "no");
    move("a@x.example", "s1", "spam", PROBE);
    move("b@x.example", "s2", "spam", PROBE);
    assert_true(score("c@x.example", PROBE) == LEARNER_PRIOR);
    assert_true(score("a@x.example", PROBE) > LEARNER_PRIOR);
}

/* An undo takes back from the base what was taught to it while the user agreed. */
static void test_who_no_longer_shares(void **state)
{
    (void)state;
    share("a@x.example", "yes");
    move("a@x.example", "s1", "spam", PROBE);
    assert_true(score("b@x.example", PROBE) > LEARNER_PRIOR);
    share("a@x.example", "no");
    assert_int_equal(retrain("a@x.example", "ham", "s1"), EX_OK);
    assert_true(score("b@x.example", PROBE) == LEARNER_PRIOR);
    assert_int_equal(retrain("a@x.example", "spam", "s1"), EX_OK);
    assert_true(score("b@x.example", PROBE) == LEARNER_PRIOR);
}

/* More users than models are kept open: the base, opened last, must not push out the one in use. */
static void test_many_users_who_share(void **state)
{
    (void)state;
    teach_base();
    model_store_free(&model_store);
    open_ledger();
    for (int i = 0; i < 70; i++) {
        g_autofree char *user = g_strdup_printf("u%d@x.example", i);
        deliver(user, "s1", PROBE);
        if (i % 32 == 31) {
            share(user, "yes");
            assert_int_equal(retrain(user, "ham", "s1"), EX_OK);
            assert_true(score(user, PROBE) < LEARNER_PRIOR);
        }
    }
}

static void test_training_says_what_was_right(void **state)
{
    (void)state;
    const char *const texts[] = {"cheap pills for you today", "minutes of the meeting"};
    teach_base();
    GVariantBuilder batch;
    g_variant_builder_init(&batch, G_VARIANT_TYPE("aau"));
    for (int i = 0; i < 2; i++) {
        struct judgement j = judge("a@x.example", texts[i]);
        g_variant_builder_add_value(&batch,
                                    g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, j.features->data,
                                                              j.features->len, sizeof(guint32)));
        judgement_clear(&j);
    }
    GVariantDict arguments;
    struct keeper_trained trained;
    g_variant_dict_init(&arguments, NULL);
    g_variant_dict_insert(&arguments, "user", "s", "a@x.example");
    g_variant_dict_insert(&arguments, "class", "s", "spam");
    g_variant_dict_insert_value(&arguments, "batch", g_variant_builder_end(&batch));
    GVariant *all = g_variant_ref_sink(g_variant_dict_end(&arguments));
    struct keeper_answer a = answer_of("train", all);
    assert_int_equal(a.code, EX_OK);
    assert_true(keeper_format_unpack(&keeper_format_trained, a.results, &trained, NULL));
    assert_int_equal(trained.right, 1);
    keeper_answer_clear(&a);
    g_variant_unref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_user_starts_from_the_base),
        TEST(test_the_users_own_word_wins),
        TEST(test_who_shares_teaches_others),
        TEST(test_who_does_not_share_teaches_nobody),
        TEST(test_who_no_longer_shares),
        TEST(test_many_users_who_share),
        TEST(test_training_says_what_was_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
