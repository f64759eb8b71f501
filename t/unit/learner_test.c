#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "classifier/learner.h"

/* from, from+1, ... and, of another kind, the numbers that count from 100,000 + salt. */
static GArray *features(guint32 from, guint count, guint32 salt)
{
    GArray *f = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (guint i = 0; i < count; i++) {
        const guint32 common = from + i, own = 100000 + salt * 1000 + i;
        g_array_append_val(f, common);
        g_array_append_val(f, own);
    }
    return f;
}

static void test_probability(void **state)
{
    (void)state;
    assert_true(learner_probability(0) == 0.5);
    for (double x = -40; x <= 40; x += 0.37)
        assert_true(fabs(learner_probability(x) - 1 / (1 + exp(-x))) < 1e-12);
    assert_true(learner_probability(10000) == 1);
    assert_true(learner_probability(-10000) == 0);
}

static void test_nothing_learnt_is_a_bit_hammy(void **state)
{
    (void)state;
    struct learner *l = g_new0(struct learner, 1);
    GArray *f = features(1, 50, 1), *none = g_array_new(FALSE, FALSE, sizeof(guint32));
    assert_true(learner_score(l, f) == LEARNER_PRIOR);
    assert_true(learner_score(l, none) == LEARNER_PRIOR);
    learner_learn(l, none, true, LEARNER_FIRM);
    g_array_unref(f);
    g_array_unref(none);
    g_free(l);
}

/* Half of each message is its own, half is common to its kind. */
static void test_five_moves_suffice_and_unlearn(void **state)
{
    (void)state;
    struct learner *l = g_new0(struct learner, 1);
    for (guint i = 0; i < 8; i++) {
        GArray *ham = features(1, 100, i);
        learner_learn(l, ham, false, LEARNER_FIRM);
        g_array_unref(ham);
    }
    GArray *moved[5];
    gint32 steps[5];
    for (guint i = 0; i < 5; i++) {
        moved[i] = features(50, 100, 20 + i); /* shares words with the ham, too */
        steps[i] = learner_learn(l, moved[i], true, LEARNER_FIRM);
    }
    GArray *next = features(50, 100, 40), *good = features(1, 100, 41);
    const double score = learner_score(l, next);
    assert_true(learner_probability(score) >= 0.9);
    assert_true(learner_score(l, good) < 0);
    for (guint i = 0; i < 5; i++) {
        learner_undo(l, moved[i], true, steps[i]);
        g_array_unref(moved[i]);
    }
    assert_true(learner_score(l, next) < score - 2);
    assert_int_equal(l->spam, 0);
    g_array_unref(next);
    g_array_unref(good);
    g_free(l);
}

static void test_undo_is_exact_in_any_order(void **state)
{
    (void)state;
    struct learner *l = g_new0(struct learner, 1), *without = g_new0(struct learner, 1);
    GArray *a = features(1, 200, 1), *b = features(30, 300, 2), *c = features(60, 50, 3);
    const gint32 one = learner_learn(l, a, true, LEARNER_FIRM);
    const gint32 two = learner_learn(l, b, false, LEARNER_FIRM);
    const gint32 three = learner_learn(l, c, true, LEARNER_ONCE);
    assert_int_not_equal(one, 0);
    assert_int_not_equal(two, 0);
    assert_int_not_equal(three, 0);
    learner_undo(l, a, true, one);
    learner_undo(l, c, true, three);
    learner_undo(l, b, false, two);
    assert_memory_equal(l, without, sizeof *l);
    g_array_unref(a);
    g_array_unref(b);
    g_array_unref(c);
    g_free(l);
    g_free(without);
}

static void test_a_step_that_would_overflow_is_not_taken(void **state)
{
    (void)state;
    struct learner *l = g_new0(struct learner, 1);
    GArray *f = features(1, 4, 1);
    l->weights[3] = G_MAXINT16;
    l->weights[1] = -20000;
    l->weights[2] = -20000;
    assert_int_equal(learner_learn(l, f, true, LEARNER_FIRM), 0);
    assert_int_equal(l->weights[3], G_MAXINT16);
    assert_int_equal(l->weights[4], 0);
    g_array_unref(f);
    g_free(l);
}

static void test_far_from_the_line_nothing_changes(void **state)
{
    (void)state;
    struct learner *l = g_new0(struct learner, 1);
    GArray *f = features(1, 100, 1);
    for (int i = 0; i < 20; i++)
        learner_learn(l, f, true, LEARNER_ONCE);
    assert_int_equal(learner_learn(l, f, true, LEARNER_ONCE), 0);
    assert_false(learner_is_thin(learner_score(l, f), true));
    assert_true(learner_is_thin(learner_score(l, f), false));
    g_array_unref(f);
    g_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probability),
        cmocka_unit_test(test_nothing_learnt_is_a_bit_hammy),
        cmocka_unit_test(test_five_moves_suffice_and_unlearn),
        cmocka_unit_test(test_undo_is_exact_in_any_order),
        cmocka_unit_test(test_a_step_that_would_overflow_is_not_taken),
        cmocka_unit_test(test_far_from_the_line_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
