/* The learner's arithmetic: probabilities, undo to the last bit, half votes, the site's base. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classifier/learner.h"

/* from, from+1, ... and, of another kind, numbers of its own. */
static GArray *features(guint32 from, guint count, guint32 salt)
{
    GArray *f = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (guint i = 0; i < count; i++) {
        const guint32 common = from + i, own = 20000 + salt * 1000 + i;
        g_array_append_val(f, common);
        g_array_append_val(f, own);
    }
    return f;
}

static struct learner_step learn(struct learner *l, const GArray *f, bool spam,
                                 bool half)
{
    const struct learner_lesson lesson = {spam, half, 0};
    return learner_learn(l, f, &lesson);
}

static void undo(struct learner *l, const GArray *f, bool spam, struct learner_step step)
{
    learner_apply(l, f, spam, learner_negate(step));
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
    g_autofree struct learner *l = g_new0(struct learner, 1);
    GArray *f = features(1, 50, 1), *none = g_array_new(FALSE, FALSE, sizeof(guint32));
    assert_true(learner_score(l, f) == LEARNER_PRIOR);
    assert_true(learner_score(l, none) == LEARNER_PRIOR);
    learn(l, none, true, false);
    g_array_unref(f);
    g_array_unref(none);
}

/* Half of a message's features are its own, half are common to its class. */
static void test_five_moves_suffice_and_unlearn(void **state)
{
    (void)state;
    g_autofree struct learner *l = g_new0(struct learner, 1);
    for (guint i = 0; i < 8; i++) {
        GArray *ham = features(1, 100, i);
        learn(l, ham, false, false);
        g_array_unref(ham);
    }
    GArray *moved[5];
    struct learner_step steps[5];
    for (guint i = 0; i < 5; i++) {
        moved[i] = features(50, 100, 20 + i); /* shares words with the ham, too */
        steps[i] = learn(l, moved[i], true, false);
    }
    GArray *next = features(50, 100, 40), *good = features(1, 100, 41);
    const double score = learner_score(l, next);
    assert_true(learner_probability(score) >= 0.9);
    assert_true(learner_score(l, good) < 0);
    for (guint i = 0; i < 5; i++) {
        undo(l, moved[i], true, steps[i]);
        g_array_unref(moved[i]);
    }
    assert_true(learner_score(l, next) < score - 2);
    assert_int_equal(l->spam, 0);
    g_array_unref(next);
    g_array_unref(good);
}

/* Deterministic dice. */
static guint32 roll(guint32 *seed, guint32 below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

/* After many steps, some undone in another order, the weights are as if the undone ones had never been. */
static void test_undo_is_exact_in_any_order(void **state)
{
    (void)state;
    enum { LESSONS = 60 };
    g_autofree struct learner *l = g_new0(struct learner, 1), *empty = g_new0(struct learner, 1);
    GArray *f[LESSONS];
    struct learner_step steps[LESSONS];
    guint32 seed = 7, moved = 0;
    for (guint i = 0; i < LESSONS; i++) {
        f[i] = features(roll(&seed, 300), 10 + roll(&seed, 300), i);
        steps[i] = learn(l, f[i], i % 3 == 0, i % 2 == 0);
        moved += steps[i].body != 0 && steps[i].counts != 0;
    }
    assert_true(moved > LESSONS / 2);
    const double before = learner_score(l, f[0]);
    struct learner_step more = learn(l, f[1], true, false);
    assert_true(learner_score(l, f[0]) != before);
    undo(l, f[1], true, more);
    assert_true(learner_score(l, f[0]) == before);
    for (guint i = LESSONS; i-- > 0;)
        undo(l, f[(i * 7) % LESSONS], (i * 7) % LESSONS % 3 == 0, steps[(i * 7) % LESSONS]);
    memset(l->touched, 0, sizeof l->touched);
    assert_memory_equal(l, empty, sizeof *l);
    for (guint i = 0; i < LESSONS; i++)
        g_array_unref(f[i]);
}

static void test_a_step_that_would_overflow_is_not_taken(void **state)
{
    (void)state;
    g_autofree struct learner *l = g_new0(struct learner, 1);
    GArray *f = features(1, 4, 1);
    l->weights[3] = G_MAXINT16;
    l->weights[1] = -20000;
    l->weights[2] = -20000;
    const struct learner_step step = learn(l, f, true, false);
    assert_int_equal(step.body, 0);
    assert_int_equal(step.counts, 0);
    assert_int_equal(step.heard, 1);
    assert_int_equal(l->weights[3], G_MAXINT16);
    assert_int_equal(l->weights[4], 0);
    l->weights[3] = 0;
    for (guint place = 1; place < 5; place++)
        l->counts[place].ham = 1000;
    l->counts[3].spam = G_MAXUINT16;
    assert_int_equal(learn(l, f, true, false).body, 0);
    assert_int_equal(l->counts[3].spam, G_MAXUINT16);
    l->counts[3].spam--;
    assert_int_not_equal(learn(l, f, true, false).body, 0);
    assert_int_equal(l->counts[3].spam, G_MAXUINT16);
    g_array_unref(f);
}

static void test_far_from_the_line_nothing_changes(void **state)
{
    (void)state;
    g_autofree struct learner *l = g_new0(struct learner, 1);
    GArray *f = features(1, 100, 1);
    for (int i = 0; i < 20; i++)
        learn(l, f, true, false);
    const struct learner_step step = learn(l, f, true, false);
    assert_int_equal(step.body, 0);
    assert_int_equal(step.counts, 0);
    assert_int_equal(l->spam, 21);
    g_array_unref(f);
}

static void test_what_seems_so_weighs_half(void **state)
{
    (void)state;
    g_autofree struct learner *a = g_new0(struct learner, 1), *b = g_new0(struct learner, 1);
    GArray *f = features(1, 100, 1);
    const gint32 whole = learn(a, f, true, false).body;
    const gint32 half = learn(b, f, true, true).body;
    assert_true(half > 0 && abs(whole - 2 * half) <= 1);
    g_array_unref(f);
}

/* What the base knows already need not be learnt again; it has half a voice. */
static void test_a_base(void **state)
{
    (void)state;
    g_autofree struct learner *base = g_new0(struct learner, 1), *own = g_new0(struct learner, 1);
    GArray *f = features(1, 100, 1), *other = features(5000, 100, 2);
    for (int i = 0; i < 30; i++) {
        learn(base, f, true, false);
        learn(base, other, false, false);
    }
    const double added = learner_base(base, f);
    assert_true(fabs(added - (learner_score(base, f) - LEARNER_PRIOR) / 2) < 1e-9);
    assert_true(added > 1);
    const struct learner_lesson with = {true, false, added}, without = {true, false, 0};
    const gint32 less = learner_learn(own, f, &with).body;
    memset(own, 0, sizeof *own);
    assert_true(less < learner_learn(own, f, &without).body);
    g_array_unref(f);
    g_array_unref(other);
}

static void test_ageing_spares_what_was_touched(void **state)
{
    (void)state;
    g_autofree struct learner *l = g_new0(struct learner, 1);
    GArray *old = features(1, 50, 1), *young = features(2000, 50, 2);
    learn(l, old, true, false);
    const gint16 weight = l->weights[1];
    const guint16 count = l->counts[1].spam;
    learner_age(l);
    const struct learner_step step = learn(l, young, false, false);
    learner_age(l);
    assert_int_equal(l->weights[1], weight); /* touched in the period before this one */
    learner_age(l);
    assert_int_equal(l->weights[1], weight / 2);
    assert_int_equal(l->counts[1].spam, count / 2);
    undo(l, young, false, step);
    for (guint i = 0; i < young->len; i++) {
        assert_int_equal(l->weights[g_array_index(young, guint32, i)], 0);
        assert_int_equal(l->counts[g_array_index(young, guint32, i)].ham, 0);
    }
    g_array_unref(old);
    g_array_unref(young);
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
        cmocka_unit_test(test_what_seems_so_weighs_half),
        cmocka_unit_test(test_a_base),
        cmocka_unit_test(test_ageing_spares_what_was_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
