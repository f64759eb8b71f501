/* Training folder after folder: how many messages of each are kept for replay, and what becomes of them. */
#include "classifier/classifier.h"
#include "classifier/model.h"
#include "classifier/tokens.h"
#include "filterd/keeper/record.h"
#include "t/unit/model_store_world.h"


#define USER "a@x.example"

static char *text_of(const char *class, int i)
{
    const bool spam = strcmp(class, "spam") == 0;
    return g_strdup_printf("dear all this is our %s for you number%d with word%d", spam ? "offer" : "agenda",
                           i % 13, i % (spam ? 17 : 19));
}

static int train_batch(const char *class, int count)
{
    GVariantBuilder batch;
    GVariantDict d;
    g_variant_builder_init(&batch, G_VARIANT_TYPE("aau"));
    struct classifier *c = classifier_new(&settings, &key);
    for (int i = 0; i < count; i++) {
        g_autofree char *text = text_of(class, i);
        struct tokens *t = tokens_of(text);
        struct judgement j;
        assert_true(classifier_judge(c, USER, t, &j));
        g_variant_builder_add_value(&batch,
                                    g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, j.features->data,
                                                              j.features->len, sizeof(guint32)));
        judgement_clear(&j);
        tokens_free(&t);
    }
    classifier_free(&c);
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "user", "s", USER);
    g_variant_dict_insert(&d, "class", "s", class);
    g_variant_dict_insert_value(&d, "batch", g_variant_builder_end(&batch));
    GVariant *all = g_variant_ref_sink(g_variant_dict_end(&d));
    const int code = code_of("train", all);
    g_variant_unref(all);
    return code;
}

static guint kept(const char *class)
{
    char *error = NULL;
    struct model *m = model_open(settings.state_dir, USER, false, &error);
    GPtrArray *signatures = record_samples(m, class);
    GPtrArray *some = record_get_samples(m, class, 5, 10), *none = record_get_samples(m, class, 5000, 10);
    assert_true(signatures && some && none);
    const guint count = signatures->len;
    assert_int_equal(some->len, MIN(10, MAX(count, 5) - 5));
    assert_int_equal(none->len, 0);
    g_ptr_array_unref(signatures);
    g_ptr_array_unref(some);
    g_ptr_array_unref(none);
    model_free(&m);
    return count;
}

static void both_are_known(void)
{
    for (int i = 100; i < 120; i++) {
        g_autofree char *spam = text_of("spam", i), *ham = text_of("ham", i);
        assert_true(score(USER, spam) > 0);
        assert_true(score(USER, ham) < 0);
    }
}

static void test_samples(void **state)
{
    (void)state;
    assert_int_equal(train_batch("spam", 7), EX_OK);
    assert_int_equal(kept("spam"), 7);
    assert_int_equal(train_batch("spam", 1200), EX_OK); /* the other class is not known yet */
    assert_int_equal(kept("spam"), 1000);
    assert_int_equal(train_batch("ham", 400), EX_OK);
    assert_int_equal(train_batch("ham", 400), EX_OK);
    assert_int_equal(kept("ham"), 300);
    assert_int_equal(kept("spam"), 1000);
    both_are_known();
    assert_int_equal(train_batch("spam", 600), EX_OK);
    assert_int_equal(kept("spam"), 1000);
    both_are_known();
}

/* Kept samples are not deliveries: a move does not change them. */
static void test_samples_are_not_mail(void **state)
{
    (void)state;
    char *error = NULL;
    assert_int_equal(train_batch("spam", 3), EX_OK);
    struct model *m = model_open(settings.state_dir, USER, false, &error);
    GPtrArray *signatures = record_samples(m, "spam");
    struct model_figures f;
    assert_true(model_figures(m, &f));
    assert_int_equal(f.records, 0);
    assert_int_equal(f.delivered, 0);
    model_free(&m);
    assert_int_equal(retrain(USER, "ham", signatures->pdata[0]), EX_DATAERR);
    g_ptr_array_unref(signatures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_samples),
        TEST(test_samples_are_not_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
