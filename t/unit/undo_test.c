/* After deliveries, moves, moves back, settling and learning in any order: once all is undone, the model
 * judges as before, to the last bit. */
#include "base/config/settings.h"
#include "classifier/classifier.h"
#include "classifier/learner.h"
#include "classifier/tokens.h"
#include "filterd/keeper/model_store.h"
#include "t/unit/model_store_world.h"

#include <math.h>


#define USER "a@x.example"

enum { STEPS = 150, PROBES = 6 };

struct story {
    guint32 seed;
    GRand *dice;
    GPtrArray *signatures, *delivered; /* and where each was delivered */
    struct classifier *reader;         /* sees all of it */
};

static char *random_text(GRand *dice)
{
    GString *text = g_string_new(NULL);
    for (int n = g_rand_int_range(dice, 1, 40); n > 0; n--)
        g_string_append_printf(text, "word%d ", g_rand_int_range(dice, 0, 60));
    return g_string_free(text, FALSE);
}

static char *probe(int i)
{
    return g_strdup_printf("word%d word%d news word%d word%d", i, i + 7, i * 9, 3 * i + 1);
}

static void probe_all(double scores_r[PROBES])
{
    for (int i = 0; i < PROBES; i++) {
        g_autofree char *text = probe(i);
        scores_r[i] = score(USER, text);
    }
}

static void deliver_one(struct story *s, bool by_text)
{
    char *text = random_text(s->dice), *signature = g_strdup_printf("s%ux%u", s->seed, s->signatures->len);
    struct judgement j = judge(USER, text);
    const char *class = j.class == JUDGE_SPAM ? "spam" : "ham";
    if (by_text) { /* learnt without a delivery: as if it had lain in the other folder */
        class = g_rand_boolean(s->dice) ? "spam" : "ham";
        assert_int_equal(ask("learn", VALUES({"user", USER}, {"class", class}, {"signature", signature}),
                             j.features),
                         EX_OK);
        class = strcmp(class, "spam") == 0 ? "ham" : "spam";
    } else {
        deliver(USER, signature, text);
    }
    g_ptr_array_add(s->signatures, signature);
    g_ptr_array_add(s->delivered, (char *)class);
    judgement_clear(&j);
    g_free(text);
}

static void move_one(struct story *s)
{
    if (s->signatures->len == 0)
        return;
    const guint i = (guint)g_rand_int_range(s->dice, 0, (gint32)s->signatures->len);
    const char *class = g_rand_boolean(s->dice) ? "spam" : "ham";
    assert_int_equal(retrain(USER, class, s->signatures->pdata[i]), EX_OK);
}

/* settle_days is 0: deliveries settle at the next round, which a new model store begins. */
static void settle(void)
{
    model_store_free(&model_store);
    open_ledger();
    model_store_tick(model_store);
}

static void one_step(struct story *s)
{
    const int what = g_rand_int_range(s->dice, 0, 100);
    if (what < 25)
        deliver_one(s, false);
    else if (what < 35)
        deliver_one(s, true);
    else if (what < 97)
        move_one(s);
    else
        settle();
}

/* A settled message is taken back by a move away and one back, too. */
static void take_all_back(const struct story *s)
{
    for (guint i = 0; i < s->signatures->len; i++) {
        const char *class = s->delivered->pdata[i];
        const char *away = strcmp(class, "spam") == 0 ? "ham" : "spam";
        assert_int_equal(retrain(USER, away, s->signatures->pdata[i]), EX_OK);
        assert_int_equal(retrain(USER, class, s->signatures->pdata[i]), EX_OK);
    }
}

/* The reader has followed step by step and must see what one sees who looks for the first time. */
static void reader_agrees(const struct story *s)
{
    g_autofree char *text = probe(0);
    struct tokens *t = tokens_of(text);
    struct judgement j;
    assert_true(classifier_judge(s->reader, USER, t, &j));
    assert_true(j.score == score(USER, text));
    judgement_clear(&j);
    tokens_free(&t);
}

static void tell(guint32 seed)
{
    double before[PROBES], during[PROBES], after[PROBES];
    struct story s = {seed, g_rand_new_with_seed(seed), g_ptr_array_new_with_free_func(g_free),
                      g_ptr_array_new(), classifier_new(&settings, &key)};
    int changed = 0;
    probe_all(before);
    for (int i = 0; i < STEPS; i++) {
        one_step(&s);
        if (i % 20 == 0)
            reader_agrees(&s);
    }
    probe_all(during);
    take_all_back(&s);
    settle(); /* all is taught: nothing is left to settle */
    probe_all(after);
    for (int i = 0; i < PROBES; i++) {
        changed += during[i] != before[i];
        if (fabs(after[i] - before[i]) > 1e-6)
            fail_msg("seed %u: probe %d: %.9g, before %.9g", seed, i, after[i], before[i]);
    }
    assert_true(changed > 0);
    classifier_free(&s.reader);
    g_ptr_array_unref(s.signatures);
    g_ptr_array_unref(s.delivered);
    g_rand_free(s.dice);
}

static void test_all_is_taken_back(void **state)
{
    (void)state;
    settings.mode = MODE_SETTLE;
    settings.settle_days = 0;
    for (int i = 0; i < 20; i++) {
        train(USER, "spam", "word1 word2 word3 news pills");
        train(USER, "ham", "word8 word9 word3 news agenda");
    }
    for (guint32 seed = 1; seed <= 2; seed++)
        tell(seed);
}

/* Beside a base that learns from the same moves. */
static void test_with_a_base(void **state)
{
    (void)state;
    settings.mode = MODE_TOE;
    assert_int_equal(ask("user-set", VALUES({"user", USER}, {"name", "share"}, {"value", "yes"}), NULL),
                     EX_OK);
    tell(4);
    assert_true(score("new@x.example", "word1 word2 word3") == LEARNER_PRIOR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_is_taken_back),
        TEST(test_with_a_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
